// TCP echo with Asio's coroutines, over the executor that they know at compile time (typed): faster
// than any_io_executor, their default. Built twice, as echo_asio_callbacks.cpp.

#include <asio.hpp>
#include <memory>
#include <system_error>
#include <utility>

#include "bench/echo/server.hpp"

namespace {

using executor = asio::io_context::executor_type;
using token = asio::use_awaitable_t<executor>;
using tcp_socket = token::as_default_on_t<asio::basic_stream_socket<asio::ip::tcp, executor>>;
using tcp_acceptor = token::as_default_on_t<asio::basic_socket_acceptor<asio::ip::tcp, executor>>;

asio::awaitable<void, executor> echo(tcp_socket client, std::size_t size) {
    const auto buffer = std::make_unique_for_overwrite<char[]>(size);
    try {
        for (;;) {
            const std::size_t got =
                co_await client.async_read_some(asio::buffer(buffer.get(), size));
            co_await asio::async_write(client, asio::buffer(buffer.get(), got));
        }
    } catch (const std::system_error&) {  // the client has gone
    }
}

asio::awaitable<void, executor> serve(tcp_acceptor& listener, std::size_t size) {
    for (;;) {
        tcp_socket client(co_await listener.async_accept());
        client.set_option(asio::ip::tcp::no_delay(true));
        asio::co_spawn(listener.get_executor(), echo(std::move(client), size), asio::detached);
    }
}

}  // namespace

int main(int argc, char** argv) {
    asio::io_context context(1);
    tcp_acceptor listener(context.get_executor(),
                          asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    bench::print_port(listener.local_endpoint().port());
    asio::co_spawn(context, serve(listener, bench::buffer_size(argc, argv)), asio::detached);
    context.run();
}
