// A listening socket for the two servers without a library.
#pragma once

#include <arpa/inet.h>
#include <cstdio>
#include <cstdlib>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "bench/echo/server.hpp"

namespace bench {

/// Listens on the loopback and prints the port. Ends the program when it cannot.
inline int listen_on_loopback(int flags) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof where;
    auto* address = reinterpret_cast<sockaddr*>(&where);
    if (::bind(fd, address, length) != 0 || ::listen(fd, 1024) != 0 ||
        ::getsockname(fd, address, &length) != 0) {
        std::perror("listen");
        std::exit(1);
    }
    print_port(ntohs(where.sin_port));
    return fd;
}

inline void set_no_delay(int fd) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace bench
