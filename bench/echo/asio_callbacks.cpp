// TCP echo with Asio's callbacks. Built twice: over epoll, and over io_uring with
// ASIO_HAS_IO_URING and ASIO_DISABLE_EPOLL, as Asio's documentation says. The concurrency hint 1
// tells it that one thread runs it; several threads have a context each.

#include <asio.hpp>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "bench/echo/server.hpp"

namespace {

using asio::ip::tcp;
using share_port = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

class session : public std::enable_shared_from_this<session> {
  public:
    session(tcp::socket client, std::size_t size)
        : client_(std::move(client)),
          size_(size),
          buffer_(std::make_unique_for_overwrite<char[]>(size)) {}

    void read() {
        client_.async_read_some(asio::buffer(buffer_.get(), size_),
                                [self = shared_from_this()](std::error_code error, std::size_t n) {
                                    if (!error) self->write(n);
                                });
    }

  private:
    void write(std::size_t length) {
        asio::async_write(client_, asio::buffer(buffer_.get(), length),
                          [self = shared_from_this()](std::error_code error, std::size_t) {
                              if (!error) self->read();
                          });
    }

    tcp::socket client_;
    std::size_t size_;
    std::unique_ptr<char[]> buffer_;
};

void accept(tcp::acceptor& listener, std::size_t size) {
    listener.async_accept([&listener, size](std::error_code error, tcp::socket client) {
        if (!error) {
            client.set_option(tcp::no_delay(true));
            std::make_shared<session>(std::move(client), size)->read();
        }
        accept(listener, size);
    });
}

void serve(int argc, char** argv, bench::shared_port& port) {
    asio::io_context context(1);
    tcp::acceptor listener(context);
    listener.open(tcp::v4());
    listener.set_option(share_port(true));
    listener.bind({asio::ip::address_v4::loopback(), port.number()});
    listener.listen();
    port.one_listens();
    accept(listener, bench::buffer_size(argc, argv));
    context.run();
}

}  // namespace

int main(int argc, char** argv) {
    const std::size_t loops = bench::loop_count(argc, argv);
    bench::shared_port port(loops);
    std::vector<std::jthread> others;
    for (std::size_t index = 1; index < loops; ++index)
        others.emplace_back(serve, argc, argv, std::ref(port));
    serve(argc, argv, port);
}
