// TCP echo with Mayhem: a task for each connection. MAYHEM_BACKEND chooses the backend.

#include "tasks/mayhem.hpp"

#include <cstddef>
#include <memory>
#include <span>

#include "bench/echo/server.hpp"

namespace {

mayhem::coro<> echo(mayhem::tcp_stream client, std::size_t size) {
    const auto memory = std::make_unique_for_overwrite<std::byte[]>(size);
    const std::span buffer(memory.get(), size);
    for (;;) {
        const auto got = co_await client.try_read_some(buffer);
        if (!got || *got == 0) co_return;
        const auto sent = co_await client.try_write_all(buffer.first(*got));
        if (!sent) co_return;
    }
}

mayhem::coro<> serve(std::size_t size) {
    auto listener = mayhem::tcp_listener::bind(mayhem::address::loopback(0));
    bench::print_port(listener.local_address().port());
    for (;;) {
        auto client = co_await listener.accept();
        mayhem::create_task(echo(std::move(client), size));
    }
}

}  // namespace

int main(int argc, char** argv) { mayhem::run(serve(bench::buffer_size(argc, argv))); }
