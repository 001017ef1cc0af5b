// TCP echo with Mayhem: a task for each connection, in one loop or several. MAYHEM_BACKEND chooses
// the backend.

#include "tasks/mayhem.hpp"

#include <cstddef>
#include <memory>
#include <span>

#include "bench/echo/server.hpp"

namespace {

// Each read brings its own buffer: a connection that is idle has none.
mayhem::coro<> echo(mayhem::tcp_stream client) {
    for (;;) {
        const auto got = co_await client.try_read();
        if (!got || got->empty()) co_return;
        const auto sent = co_await client.try_write_all(got->bytes());
        if (!sent) co_return;
    }
}

// For requests that are longer than such a buffer.
mayhem::coro<> echo_long(mayhem::tcp_stream client, std::size_t size) {
    const auto memory = std::make_unique_for_overwrite<std::byte[]>(size);
    const std::span buffer(memory.get(), size);
    for (;;) {
        const auto got = co_await client.try_read_some(buffer);
        if (!got || *got == 0) co_return;
        const auto sent = co_await client.try_write_all(buffer.first(*got));
        if (!sent) co_return;
    }
}

mayhem::coro<> serve(bench::shared_port& port, std::size_t size) {
    mayhem::listen_options options;
    options.share_port = true;
    auto listener = mayhem::tcp_listener::bind(mayhem::address::loopback(port.number()), options);
    port.one_listens();
    for (;;) {
        auto client = co_await listener.accept();
        if (size <= mayhem::byte_chunk::capacity) {
            mayhem::create_task(echo(std::move(client)));
        } else {
            mayhem::create_task(echo_long(std::move(client), size));
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    mayhem::loop_group_options options;
    options.size = bench::loop_count(argc, argv);
    bench::shared_port port(options.size);
    const std::size_t size = bench::buffer_size(argc, argv);
    mayhem::loop_group(options).run([&](std::size_t) { return serve(port, size); });
}
