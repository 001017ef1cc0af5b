// What all echo servers here have in common: their command line, and that they print their port.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace bench {

/// Each server reads into a buffer of so many bytes: its only argument, by default 64.
inline std::size_t buffer_size(int argc, char** argv) {
    return argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 64;
}

/// Tells whoever started it where it listens.
inline void print_port(std::uint16_t port) {
    std::printf("%u\n", port);
    std::fflush(stdout);
}

}  // namespace bench
