# How a target of this project is built: one place for language level, warnings, sanitizers, output folders.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# -O2: -O3 costs build time and buys nothing for code that waits on pipes and sockets.
set(CMAKE_C_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
# For the sanitizers: quick enough to run, lines in the reports, asserts on.
set(CMAKE_C_FLAGS_SANITIZE "-O1 -g1")
set(CMAKE_CXX_FLAGS_SANITIZE "-O1 -g1")

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
    set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

# The build tree has the shape of an install tree: bin/berth finds lib/berth/plugins beside itself in both.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(BERTH_LIBRARY_DIR lib/berth)
set(BERTH_PLUGIN_DIR lib/berth/plugins)

set(BERTH_WARNINGS
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wcast-qual -Wformat=2 -Wundef -Werror)
# GCC 12 warns of overlaps inside its own std::string (GCC bug 105329).
set(BERTH_CXX_WARNINGS $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict> -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual)

# What every target of ours compiles with. berth_plain_rules is for what no sanitizer can watch: static programs.
add_library(berth_plain_rules INTERFACE)
target_compile_options(berth_plain_rules INTERFACE
    ${BERTH_WARNINGS} $<$<COMPILE_LANGUAGE:CXX>:${BERTH_CXX_WARNINGS}>)
add_library(berth_rules INTERFACE)
target_link_libraries(berth_rules INTERFACE berth_plain_rules)
if(BERTH_SANITIZE)
    target_compile_options(berth_rules INTERFACE -fsanitize=${BERTH_SANITIZE} -fno-omit-frame-pointer
        -fno-sanitize-recover=all
        # GCC does not follow std::optional through its own instrumentation.
        $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
    target_link_options(berth_rules INTERFACE -fsanitize=${BERTH_SANITIZE})
    target_compile_definitions(berth_rules INTERFACE BERTH_SANITIZED=1)
endif()

if(BERTH_FUZZERS)
    # Coverage in every floor is what guides the fuzzers.
    target_compile_options(berth_rules INTERFACE -fsanitize=fuzzer-no-link)
    target_link_options(berth_rules INTERFACE -fsanitize=fuzzer-no-link)
endif()

# berth_starts_quickly(TARGET) : the C++ library and GCC's go into the program or plugin itself, with relocations packed.
# Finding thousands of symbols of libstdc++.so at each start takes longer than the start of a small program as a whole.
# Nothing of C++ crosses the contract, so every plugin may have its own.
function(berth_starts_quickly target)
    if(NOT BERTH_SANITIZE AND NOT BERTH_FUZZERS)
        target_link_options(${target} PRIVATE -static-libstdc++ -static-libgcc -Wl,--as-needed -Wl,--gc-sections
            -Wl,-z,pack-relative-relocs)
    endif()
endfunction()

# berth_library(NAME SOURCES... ) : a static library, a floor of the host.
function(berth_library name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
    add_library(${name} STATIC ${ARG_SOURCES})
    target_include_directories(${name} PUBLIC
        $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/host> $<INSTALL_INTERFACE:include>)
    target_compile_features(${name} PUBLIC cxx_std_20)
    target_link_libraries(${name} PUBLIC ${ARG_LINK} PRIVATE $<BUILD_INTERFACE:berth_rules> ${ARG_PRIVATE_LINK})
endfunction()

# berth_test(NAME SOURCES ... LINK ... [LABELS ...] [SERIAL] [AS_USER]) : one doctest program, one ctest entry of the
# same name. Labels: no_sanitizer keeps a test out of the sanitizer runs, slow marks one that takes over 30 s.
# SERIAL runs it alone. AS_USER adds the entry NAME_as_user: the same program run by an ordinary user when we are root.
function(berth_test name)
    cmake_parse_arguments(ARG "SERIAL;AS_USER" "" "SOURCES;LINK;LABELS" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE berth_rules berth_test_main doctest::doctest ${ARG_LINK})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    add_test(NAME ${name} COMMAND ${name})
    set(entries ${name})
    if(ARG_AS_USER)
        berth_test_as_user(${name}_as_user COMMAND $<TARGET_FILE:${name}>)
        list(APPEND entries ${name}_as_user)
    endif()
    set_tests_properties(${entries} PROPERTIES TIMEOUT 300 LABELS "${ARG_LABELS}" RUN_SERIAL ${ARG_SERIAL})
endfunction()

# berth_test_as_user(NAME COMMAND ...) : a ctest entry run by an ordinary user; skipped when we are one already.
function(berth_test_as_user name)
    cmake_parse_arguments(ARG "" "" "COMMAND" ${ARGN})
    add_test(NAME ${name} COMMAND ${PROJECT_SOURCE_DIR}/tests/support/as_user.sh ${ARG_COMMAND})
    set_tests_properties(${name} PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77)
endfunction()

# berth_install_package() : what makes find_package(berth) work. Everything exported joins the set berth-targets.
function(berth_install_package)
    include(CMakePackageConfigHelpers)
    set(destination ${CMAKE_INSTALL_LIBDIR}/cmake/berth)
    configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/berth-config.cmake.in
        ${PROJECT_BINARY_DIR}/berth-config.cmake INSTALL_DESTINATION ${destination})
    # Before 1.0 a minor version may change the library's interface.
    write_basic_package_version_file(${PROJECT_BINARY_DIR}/berth-config-version.cmake COMPATIBILITY SameMinorVersion)
    install(FILES ${PROJECT_BINARY_DIR}/berth-config.cmake ${PROJECT_BINARY_DIR}/berth-config-version.cmake
        DESTINATION ${destination})
    install(EXPORT berth-targets NAMESPACE berth:: DESTINATION ${destination})
endfunction()
