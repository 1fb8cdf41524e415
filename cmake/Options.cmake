# Warnings, sanitizers and coverage for Swath's own targets; never passed on to users.
add_library(swath_options INTERFACE)
target_compile_options(swath_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
  # Designated initialisers leave out what keeps its default; GCC 12 counts that as missing.
  -Wno-missing-field-initializers
  # GCC 12 sees overlaps and overflows in std::string that cannot be (its bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict -Wno-array-bounds -Wno-stringop-overflow>
  $<$<BOOL:${SWATH_WERROR}>:-Werror>)
# Exactness: fused multiply-adds appear only where a kernel asks for them, so that a result does not depend on
# what the compiler chose to contract.
target_compile_options(swath_options INTERFACE -ffp-contract=off)
# Tests and commands call the library, which does what takes time: optimising the calls makes only the build longer.
set(SWATH_CALLER_OPTIONS $<$<NOT:$<CONFIG:Debug>>:-O1>)
if(SWATH_SANITIZE)
  set(SWATH_CALLER_OPTIONS -O0)
  target_compile_options(swath_options INTERFACE -fsanitize=${SWATH_SANITIZE} -fno-omit-frame-pointer
    # What AddressSanitizer finds as well; these two take as long to compile as everything else.
    -fno-sanitize=null,object-size
    # GCC's check of alignment doubles the time again. The fuzzers are built by Clang, with it.
    $<$<CXX_COMPILER_ID:GNU>:-fno-sanitize=alignment>)
  target_link_options(swath_options INTERFACE -fsanitize=${SWATH_SANITIZE})
endif()
if(SWATH_COVERAGE)
  target_compile_options(swath_options INTERFACE --coverage)
  target_link_options(swath_options INTERFACE --coverage)
endif()
