# The kernels of step.h: one file, compiled for each instruction set.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set(gomlx_step_isas avx2 avx512)
  set(gomlx_step_flags_avx2 -mavx2 -mfma -mf16c)
  set(gomlx_step_flags_avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mf16c)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  set(gomlx_step_isas neon)
endif()

target_sources(gomlx_cpu PRIVATE "${CMAKE_CURRENT_LIST_DIR}/steps.cc")
foreach(isa generic ${gomlx_step_isas})
  add_library(gomlx_step_${isa} OBJECT "${CMAKE_CURRENT_LIST_DIR}/step/step.cc")
  target_compile_definitions(gomlx_step_${isa} PRIVATE GOMLX_ISA=${isa})
  target_compile_features(gomlx_step_${isa} PRIVATE cxx_std_20)
  target_compile_options(gomlx_step_${isa} PRIVATE -O3 -Wall -Wextra -Wno-psabi -Wno-maybe-uninitialized -fvisibility=hidden -ffp-contract=fast
                                                   -fno-math-errno ${gomlx_step_flags_${isa}})
  set_target_properties(gomlx_step_${isa} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_sources(gomlx_cpu PRIVATE $<TARGET_OBJECTS:gomlx_step_${isa}>)
  if(GOMLX_SANITIZE)
    target_compile_options(gomlx_step_${isa} PRIVATE -g -O1 -fno-omit-frame-pointer "-fsanitize=${GOMLX_SANITIZE}"
                                                     -fno-sanitize-recover=all)
  endif()
endforeach()
