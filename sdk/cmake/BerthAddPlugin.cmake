# berth_add_plugin(NAME SOURCES a.cpp ... [LINK lib ...]) : builds NAME.so, a Berth plugin in C or C++.
# The flags make true what the contract promises: one exported symbol, no symbol left open, nothing resolved late, and a
# file that can be unloaded. After linking, the result is checked; a plugin that breaks a promise does not build.

function(berth_add_plugin name)
    cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "SOURCES;LINK")
    if(NOT ARG_SOURCES OR ARG_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "berth_add_plugin(${name} SOURCES ... [LINK ...]): unknown or missing arguments")
    endif()
    add_library(${name} MODULE ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE berth::sdk ${ARG_LINK})
    set_target_properties(${name} PROPERTIES
        PREFIX "" SUFFIX ".so" POSITION_INDEPENDENT_CODE ON
        C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
    # GCC's unique symbols keep a library mapped for ever; clang has none.
    target_compile_options(${name} PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-gnu-unique>)
    set(map ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/one_symbol.map)
    target_link_options(${name} PRIVATE -Wl,-z,now -Wl,--version-script=${map})
    # A sanitizer's runtime comes with the program that loads the plugin: then symbols must stay open.
    if(NOT "${CMAKE_CXX_FLAGS} ${CMAKE_C_FLAGS} ${BERTH_SANITIZE}" MATCHES "sanitize|address|thread|undefined")
        target_link_options(${name} PRIVATE -Wl,-z,defs)
    endif()
    set_property(TARGET ${name} APPEND PROPERTY LINK_DEPENDS ${map})
    add_custom_command(TARGET ${name} POST_BUILD VERBATIM
        COMMAND ${CMAKE_COMMAND} -DPLUGIN=$<TARGET_FILE:${name}> -DNM=${CMAKE_NM} -DREADELF=${CMAKE_READELF}
            -P ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/check_plugin.cmake)
endfunction()
