# Turns the file INPUT, with the files ITEMS, READS, USAGE, LIMITS and PIPELINES in the place of its lines that say so, into the C source OUTPUT that
# defines its bytes: library_source[] and library_source_bytes.
file(READ "${INPUT}" hex HEX)
file(READ "${ITEMS}" items HEX)
string(HEX "\n-- items.lua comes here\n" place)
string(REPLACE "${place}" "0a${items}" hex "${hex}")
file(READ "${READS}" reads HEX)
string(HEX "\n-- reads.lua comes here\n" place)
string(REPLACE "${place}" "0a${reads}" hex "${hex}")
file(READ "${PIPELINES}" pipelines HEX)
string(HEX "\n-- pipelines.lua comes here\n" place)
string(REPLACE "${place}" "0a${pipelines}" hex "${hex}")
file(READ "${USAGE}" usage HEX)
string(HEX "\n-- usage.lua comes here\n" place)
string(REPLACE "${place}" "0a${usage}" hex "${hex}")
file(READ "${LIMITS}" limits HEX)
string(HEX "\n-- limits.lua comes here\n" place)
string(REPLACE "${place}" "0a${limits}" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(0x[0-9a-f][0-9a-f],0x[0-9a-f][0-9a-f],0x[0-9a-f][0-9a-f],0x[0-9a-f][0-9a-f],0x[0-9a-f][0-9a-f],0x[0-9a-f][0-9a-f],0x[0-9a-f][0-9a-f],0x[0-9a-f][0-9a-f],)"
       "\\1\n    " bytes "${bytes}")
file(WRITE "${OUTPUT}" "#include \"store/redis_library.h\"\n\nconst unsigned char library_source[] = {\n    ${bytes}};\n"
     "const size_t library_source_bytes = sizeof library_source;\n")
