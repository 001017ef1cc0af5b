// The backend that a command line names.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "loop/backend.hpp"

namespace mayhem::differential {

inline backend_kind backend_called(std::string_view name) {
    if (name == "uring") return backend_kind::uring;
    if (name == "epoll") return backend_kind::epoll;
    throw std::invalid_argument("unknown backend: " + std::string(name));
}

}  // namespace mayhem::differential
