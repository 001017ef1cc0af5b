// What a fuzz target is: one function that takes bytes from anywhere, which libFuzzer calls by this
// name, and so does the driver of this folder. It aborts when a property does not hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

/// Inputs worth mutating: one of each kind that the target tells apart.
[[nodiscard]] std::vector<std::string> fuzz_examples();

inline void fuzz_require(bool holds, const char* otherwise) {
    if (holds) return;
    std::fprintf(stderr, "fuzz: %s\n", otherwise);
    std::abort();
}

/// The bytes as text.
[[nodiscard]] inline std::string_view fuzz_text(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}
