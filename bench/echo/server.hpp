// What all echo servers here have in common: their command line, and that they print their port.
#pragma once

#include <arpa/inet.h>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <sys/socket.h>

namespace bench {

/// Each server reads into a buffer of so many bytes: its first argument, by default 64.
inline std::size_t buffer_size(int argc, char** argv) {
    return argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 64;
}

/// How many loops, each on a thread of its own, share the work: the second argument, by default 1.
/// Only some servers know it.
inline std::size_t loop_count(int argc, char** argv) {
    return argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 1;
}

/// Tells whoever started it where it listens.
inline void print_port(std::uint16_t port) {
    std::printf("%u\n", port);
    std::fflush(stdout);
}

/// A port of the loopback that several loops listen at, each with a socket of its own that has
/// SO_REUSEPORT; the kernel deals the connections out. It is printed when all of them listen.
class shared_port {
  public:
    explicit shared_port(std::size_t loops) : not_listening_(loops) {
        const int holder = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const int on = 1;
        ::setsockopt(holder, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
        sockaddr_in where{};
        where.sin_family = AF_INET;
        where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof where;
        auto* address = reinterpret_cast<sockaddr*>(&where);
        if (::bind(holder, address, length) != 0 || ::getsockname(holder, address, &length) != 0) {
            std::perror("bind");
            std::exit(1);
        }
        number_ = ntohs(where.sin_port);  // and stays taken, as long as `holder` is open
    }

    [[nodiscard]] std::uint16_t number() const { return number_; }
    void one_listens() {
        if (--not_listening_ == 0) print_port(number_);
    }

  private:
    std::atomic<std::size_t> not_listening_;
    std::uint16_t number_ = 0;
};

}  // namespace bench
