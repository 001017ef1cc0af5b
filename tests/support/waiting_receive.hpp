// A recv that waits: where most tests of a backend begin.
#pragma once

#include <utility>

#include "tests/support/backend_driver.hpp"
#include "tests/support/descriptors.hpp"

namespace mayhem::test {

/// Two connected ends, and an operation that waits in the backend for what comes to the near one.
struct waiting_receive {
    explicit waiting_receive(backend_driver& driver, descriptor_pair ends = make_socket_pair())
        : sockets(std::move(ends)) {
        op.prepare_recv(near.get(), buffer.space());
        driver->submit(op);
        driver.tick(wait::no);
    }

    descriptor_pair sockets;
    unique_fd& near = sockets.first;
    unique_fd& far = sockets.second;
    text_buffer<> buffer;
    test_operation op;
};

}  // namespace mayhem::test
