// The limit over io_uring: a C server in which nothing is general. Each connection has one receive
// or one send under way; all that a batch of completions asks for goes to the kernel in one call.

#include <cstdint>
#include <cstdio>
#include <liburing.h>
#include <memory>
#include <unistd.h>

#include "bench/echo/raw_listener.hpp"

namespace {

struct connection {
    int fd;
    bool sends;
    std::size_t length;
    std::size_t sent;
    std::unique_ptr<char[]> buffer;
};

io_uring ring;
std::size_t buffer_size;

io_uring_sqe* next_entry() {
    io_uring_sqe* entry = io_uring_get_sqe(&ring);
    if (entry != nullptr) return entry;
    io_uring_submit(&ring);
    return io_uring_get_sqe(&ring);
}

void receive(connection* own) {
    io_uring_sqe* entry = next_entry();
    own->sends = false;
    io_uring_prep_recv(entry, own->fd, own->buffer.get(), buffer_size, 0);
    io_uring_sqe_set_data(entry, own);
}

void send(connection* own) {
    io_uring_sqe* entry = next_entry();
    own->sends = true;
    io_uring_prep_send(entry, own->fd, own->buffer.get() + own->sent, own->length - own->sent,
                       MSG_NOSIGNAL);
    io_uring_sqe_set_data(entry, own);
}

void completed(connection* own, int result) {
    if (result <= 0) {
        ::close(own->fd);
        delete own;
    } else if (!own->sends) {
        own->length = static_cast<std::size_t>(result);
        own->sent = 0;
        send(own);
    } else {
        own->sent += static_cast<std::size_t>(result);
        own->sent < own->length ? send(own) : receive(own);
    }
}

void accept_always(int listener) {
    io_uring_sqe* entry = next_entry();
    io_uring_prep_multishot_accept(entry, listener, nullptr, nullptr, SOCK_CLOEXEC);
    io_uring_sqe_set_data(entry, nullptr);
}

void accepted(const io_uring_cqe& event, int listener) {
    if (event.res >= 0) {
        bench::set_no_delay(event.res);
        receive(new connection{event.res, false, 0, 0,
                               std::make_unique_for_overwrite<char[]>(buffer_size)});
    }
    if ((event.flags & IORING_CQE_F_MORE) == 0) accept_always(listener);
}

}  // namespace

int main(int argc, char** argv) {
    buffer_size = bench::buffer_size(argc, argv);
    io_uring_params parameters{};
    parameters.flags =
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE;
    parameters.cq_entries = 4096;
    if (const int error = io_uring_queue_init_params(1024, &ring, &parameters); error < 0) {
        std::fprintf(stderr, "io_uring is refused here: error %d\n", -error);
        return 77;
    }
    bench::shared_port port(1);
    const int listener = bench::listen_at(port, 0);
    accept_always(listener);
    for (;;) {
        io_uring_submit_and_wait(&ring, 1);
        unsigned head = 0;
        unsigned seen = 0;
        io_uring_cqe* event = nullptr;
        io_uring_for_each_cqe(&ring, head, event) {
            ++seen;
            auto* own = static_cast<connection*>(io_uring_cqe_get_data(event));
            own == nullptr ? accepted(*event, listener) : completed(own, event->res);
        }
        io_uring_cq_advance(&ring, seen);
    }
}
