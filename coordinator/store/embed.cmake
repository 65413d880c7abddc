# Writes the C source OUTPUT with the bytes of the function library, library_source[] and library_source_bytes: the file INPUT, in which the
# lines "-- <part>.lua comes here" are replaced by the files ITEMS, READS, PARTITIONS, PIPELINES, USAGE and LIMITS.
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
