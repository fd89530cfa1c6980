#!/bin/sh
# Builds the encoder with AddressSanitizer and UBSan and fuzzes it, once with the CPU's best kernels and once with the
# baseline: run.sh [SECONDS EACH] [SEED]. Needs g++ and zlib's header.
set -eu
cd "$(dirname "$0")"
out=../build/fuzz
mkdir -p "$out"
flags="-std=c++17 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -Wall -Wextra"
avx2=
[ "$(uname -m)" = x86_64 ] && avx2=-mavx2
for source in ../src/*.cpp *.cpp; do
  name=$(basename "$source" .cpp)
  case "$name" in
    binding) continue ;;
    kernels-avx2) g++ $flags $avx2 -c "$source" -o "$out/$name.o" ;;
    *) g++ $flags -c "$source" -o "$out/$name.o" ;;
  esac
done
g++ $flags "$out"/*.o -lz -o "$out/fuzz"
"$out/fuzz" "${1:-60}" ${2:+"$2"}

g++ $flags -DPNG_BASELINE_ONLY -c ../src/kernels.cpp -o "$out/kernels.o"
g++ $flags "$out"/*.o -lz -o "$out/fuzz-baseline"
"$out/fuzz-baseline" "${1:-60}" ${2:+"$2"}
