# The kernels as the static library gomlx_cpu.
add_library(gomlx_cpu STATIC pool.cc pool_size.cc products.cc steps.cc token.cc isa/choose.cc)
target_include_directories(gomlx_cpu PUBLIC "${CMAKE_CURRENT_LIST_DIR}")
target_link_libraries(gomlx_cpu PUBLIC Threads::Threads)
gomlx_options(gomlx_cpu)

# The files that are compiled once for each instruction set.
set(per_isa isa/table.cc isa/rows.cc isa/rows16.cc isa/strips16.cc isa/panel16.cc isa/tile.cc step/step.cc)

# gomlx_isa(name width flags...) compiles them as the namespace name, W floats wide.
function(gomlx_isa name width)
  add_library(gomlx_cpu_${name} OBJECT ${per_isa})
  gomlx_options(gomlx_cpu_${name})
  target_compile_definitions(gomlx_cpu_${name} PRIVATE GOMLX_ISA=${name} GOMLX_WIDTH=${width})
  target_compile_options(gomlx_cpu_${name} PRIVATE -ffp-contract=fast -fno-math-errno -fno-trapping-math -Wno-psabi
                                                   ${ARGN})
  target_sources(gomlx_cpu PRIVATE $<TARGET_OBJECTS:gomlx_cpu_${name}>)
endfunction()

gomlx_isa(generic 4)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  gomlx_isa(avx2 8 -mavx2 -mfma -mf16c -mbmi2)
  gomlx_isa(avx512 16 -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mfma -mf16c -mbmi2 -mprefer-vector-width=512 -Wno-maybe-uninitialized -Wno-uninitialized)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  gomlx_isa(neon 4 -DGOMLX_NEON_KERNELS)
endif()
if(GOMLX_CPU_PLAIN)
  gomlx_isa(plain16 16 -DGOMLX_PLAIN)
  target_compile_definitions(gomlx_cpu PRIVATE GOMLX_CPU_PLAIN)
endif()
