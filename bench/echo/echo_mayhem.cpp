// TCP echo with Mayhem: a task for each connection. MAYHEM_BACKEND chooses the backend.

#include <cstddef>
#include <vector>

#include "bench/echo/server.hpp"
#include "tasks/mayhem.hpp"

namespace {

mayhem::coro<> echo(mayhem::tcp_stream client, std::size_t size) {
    std::vector<std::byte> buffer(size);
    for (;;) {
        const auto got = co_await client.try_read_some(buffer);
        if (!got || *got == 0) co_return;
        const auto sent = co_await client.try_write_all(std::span(buffer).first(*got));
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
