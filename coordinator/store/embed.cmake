# Turns the file INPUT, with the files ITEMS, READS, USAGE, LIMITS, PARTITIONS and PIPELINES in the place of its lines that say so, into the C source OUTPUT that
# defines its bytes: library_source[] and library_source_bytes.
file(READ "${INPUT}" hex HEX)
foreach(part items reads partitions pipelines usage limits)
  string(TOUPPER "${part}" file)
  file(READ "${${file}}" text HEX)
  string(HEX "\n-- ${part}.lua comes here\n" place)
  string(REPLACE "${place}" "0a${text}" hex "${hex}")
endforeach()
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(0x[0-9a-f][0-9a-f],0x[0-9a-f][0-9a-f],0x[0-9a-f][0-9a-f],0x[0-9a-f][0-9a-f],0x[0-9a-f][0-9a-f],0x[0-9a-f][0-9a-f],0x[0-9a-f][0-9a-f],0x[0-9a-f][0-9a-f],)"
       "\\1\n    " bytes "${bytes}")
file(WRITE "${OUTPUT}" "#include \"store/redis_library.h\"\n\nconst unsigned char library_source[] = {\n    ${bytes}};\n"
     "const size_t library_source_bytes = sizeof library_source;\n")
