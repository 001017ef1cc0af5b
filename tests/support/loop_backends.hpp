// The backends on which a whole event loop can be made here: parameters for tests of the loop.
#pragma once

#include <cstdio>
#include <gtest/gtest.h>
#include <string>
#include <system_error>
#include <vector>

#include "loop/event_loop.hpp"

namespace mayhem::test {

inline std::vector<backend_kind> loop_backends() {
    std::vector<backend_kind> kinds{backend_kind::epoll};
    try {
        loop_options options;
        options.backend = backend_kind::uring;
        const event_loop probe(options);
        kinds.push_back(backend_kind::uring);
    } catch (const std::system_error&) {
        std::puts("io_uring is refused here: only epoll is tested");
    }
    return kinds;
}

inline std::string name_of_kind(const testing::TestParamInfo<backend_kind>& info) {
    return info.param == backend_kind::uring ? "uring" : "epoll";
}

/// Options for a loop on `kind`.
inline loop_options on_backend(backend_kind kind) {
    loop_options options;
    options.backend = kind;
    return options;
}

}  // namespace mayhem::test
