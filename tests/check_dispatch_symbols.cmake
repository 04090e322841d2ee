# Every function that the linker may take from any file (weak) must carry in its name what it was
# compiled for, in the object files of ldmat::dispatch: otherwise the rest of the program could be
# given one that its processor cannot run. Passed: NM, OBJECTS (with | between them).

string(REPLACE "|" ";" objects "${OBJECTS}")
set(functions 0)
foreach(object IN LISTS objects)
  execute_process(COMMAND "${NM}" -C --defined-only "${object}" OUTPUT_VARIABLE symbols
                  COMMAND_ERROR_IS_FATAL ANY)
  string(REPLACE ";" "," symbols "${symbols}")
  string(REPLACE "\n" ";" symbols "${symbols}")
  foreach(symbol IN LISTS symbols)
    if(symbol MATCHES " [WVu] " AND NOT symbol MATCHES "DW\\.ref\\.")
      math(EXPR functions "${functions} + 1")
      if(NOT symbol MATCHES "xsimd::(fma3<|avx|sse|neon)|ldmat::detail::CompiledFor<")
        message(SEND_ERROR "${object}: ${symbol}")
      endif()
    endif()
  endforeach()
endforeach()
if(functions LESS 100)
  message(FATAL_ERROR "only ${functions} functions were seen: is this the right kind of object file?")
endif()
message(STATUS "${functions} functions, each named after an instruction set")
