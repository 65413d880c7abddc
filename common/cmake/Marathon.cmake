# How every target of the project is built: one place for the language level, warnings, hardening and sanitizers.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_THREAD_PREFER_PTHREAD ON)
# Where programs find our own modules: the same in a build folder and where they are installed.
set(CMAKE_BUILD_WITH_INSTALL_RPATH ON)
set(CMAKE_INSTALL_RPATH "$ORIGIN/../lib/marathon")
# Asserts stay on in every build, also in what users run.
foreach(kind RELEASE RELWITHDEBINFO MINSIZEREL)
  string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_${kind} "${CMAKE_C_FLAGS_${kind}}")
endforeach()
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

option(MARATHON_WERROR "Treat warnings as errors (development and CI)" OFF)
set(MARATHON_SANITIZE "" CACHE STRING "Sanitizers, comma separated: address,undefined or thread")
option(MARATHON_FUZZ "Build the libFuzzer targets (clang)" OFF)
option(MARATHON_COVERAGE "Record coverage" OFF)

# -DMARATHON_GIT=... says it where there is no repository, as in a container's build.
if(NOT MARATHON_GIT)
  execute_process(COMMAND git rev-parse --short=12 HEAD WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}"
                  OUTPUT_VARIABLE MARATHON_GIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT MARATHON_GIT)
  set(MARATHON_GIT "unknown")
endif()

# What every target gets; an interface target, so that it is visible in one place.
add_library(marathon_build INTERFACE)
target_compile_definitions(marathon_build INTERFACE _GNU_SOURCE)
target_compile_options(marathon_build INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes
  -Wmissing-prototypes -Wformat=2 -Wundef -Wcast-qual -Wwrite-strings -Wvla -Wswitch-enum
  -Wimplicit-fallthrough
  -fstack-protector-strong -fno-omit-frame-pointer)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64")
  target_compile_options(marathon_build INTERFACE -fcf-protection=full)
endif()
if(NOT MARATHON_SANITIZE)
  target_compile_options(marathon_build INTERFACE -fstack-clash-protection)
  target_compile_options(marathon_build INTERFACE
    $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE> $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=3>)
endif()
# Libraries of which a program uses nothing are not its own to load. RPATH, not RUNPATH, which counts only for who calls dlopen: with a
# sanitizer that is its own library.
target_link_options(marathon_build INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed,--disable-new-dtags)
# What users run is optimised over all files of a program (a target's MARATHON_WHOLE), and calls libraries without a detour. Objects have code of
# their own as well, from which tests are linked: the other way takes seconds for each.
if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND NOT MARATHON_SANITIZE AND NOT MARATHON_COVERAGE)
  set(optimised $<NOT:$<CONFIG:Debug>>)
  set(whole $<BOOL:$<TARGET_PROPERTY:MARATHON_WHOLE>>)
  target_compile_options(marathon_build INTERFACE $<${optimised}:-flto=auto> $<${optimised}:-ffat-lto-objects> $<${optimised}:-fno-plt>)
  target_link_options(marathon_build INTERFACE $<${optimised}:$<IF:${whole},-flto=auto,-fno-lto>>)
endif()
if(MARATHON_WERROR)
  target_compile_options(marathon_build INTERFACE -Werror)
endif()
if(MARATHON_SANITIZE)
  target_compile_options(marathon_build INTERFACE -fsanitize=${MARATHON_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(marathon_build INTERFACE -fsanitize=${MARATHON_SANITIZE})
endif()
if(MARATHON_FUZZ)
  target_compile_options(marathon_build INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(MARATHON_COVERAGE)
  target_compile_options(marathon_build INTERFACE --coverage)
  target_link_options(marathon_build INTERFACE --coverage)
endif()

# marathon_library(NAME SOURCES a.c b.c [USES target...] [PRIVATE_LIBS lib...])
# One folder, one static library. Its headers are included as "<folder>/<file>.h".
# USES: targets of ours whose headers appear in our headers or sources. PRIVATE_LIBS: third-party, never seen outside.
function(marathon_library name)
  cmake_parse_arguments(L "" "" "SOURCES;USES;PRIVATE_LIBS" ${ARGN})
  add_library(${name} STATIC ${L_SOURCES})
  get_filename_component(root "${CMAKE_CURRENT_SOURCE_DIR}" DIRECTORY)
  target_include_directories(${name} PUBLIC "${root}")
  target_link_libraries(${name} PUBLIC ${L_USES} PRIVATE marathon_build ${L_PRIVATE_LIBS})
endfunction()

# marathon_program(NAME SOURCES ... USES ... [PRIVATE_LIBS ...] [NO_INSTALL])
function(marathon_program name)
  cmake_parse_arguments(P "NO_INSTALL" "" "SOURCES;USES;PRIVATE_LIBS" ${ARGN})
  add_executable(${name} ${P_SOURCES})
  target_compile_definitions(${name} PRIVATE MARATHON_VERSION="${PROJECT_VERSION}" MARATHON_GIT="${MARATHON_GIT}")
  target_link_libraries(${name} PRIVATE marathon_build ${P_USES} ${P_PRIVATE_LIBS})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_link_options(${name} PRIVATE -pie)
  if(NOT P_NO_INSTALL)
    set_target_properties(${name} PROPERTIES MARATHON_WHOLE ON)
    install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endfunction()

# marathon_test(NAME LABEL unit SOURCES ... USES ...): a cmocka program, run by ctest under that label.
# Its sources live in tests/<label>/<same path as the source>_test.c.
# Where a test takes long, COST says how many seconds, so that ctest starts it before the short ones. Tests mostly wait, and tests/run has
# several for each core: one that computes all the while is nice, and locks "spare", so that it is alone in that (tests/sim).
function(marathon_test name)
  cmake_parse_arguments(T "" "LABEL;TIMEOUT" "SOURCES;USES;PRIVATE_LIBS" ${ARGN})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 180) # against hanging: a busy machine takes several times as long as an idle one
  endif()
  add_executable(${name} ${T_SOURCES})
  target_link_libraries(${name} PRIVATE marathon_build ${T_USES} ${T_PRIVATE_LIBS} cmocka)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${T_LABEL}" TIMEOUT ${T_TIMEOUT})
  if(MARATHON_SANITIZE MATCHES "thread")
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/support/tsan.supp")
  endif()
endfunction()
