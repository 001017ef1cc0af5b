// TCP echo with libuv. A write is tried at once, as its documentation advises, and queued only when
// the kernel does not take all of it.

#include <cstdlib>
#include <cstring>
#include <uv.h>

#include "bench/echo/server.hpp"

namespace {

std::size_t size;

struct connection {
    uv_tcp_t stream;
    uv_write_t write;
    char* buffer;
};

void close(connection* own) {
    uv_close(reinterpret_cast<uv_handle_t*>(&own->stream), [](uv_handle_t* handle) {
        auto* closed = static_cast<connection*>(handle->data);
        std::free(closed->buffer);
        delete closed;
    });
}

void give_buffer(uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
    *buffer =
        uv_buf_init(static_cast<connection*>(handle->data)->buffer, static_cast<unsigned>(size));
}

void on_read(uv_stream_t* stream, ssize_t length, const uv_buf_t* buffer);

void write_rest(connection* own, char* from, std::size_t length) {
    uv_read_stop(reinterpret_cast<uv_stream_t*>(&own->stream));  // the buffer is in use
    const uv_buf_t rest = uv_buf_init(from, static_cast<unsigned>(length));
    uv_write(&own->write, reinterpret_cast<uv_stream_t*>(&own->stream), &rest, 1,
             [](uv_write_t* done, int status) {
                 auto* written = static_cast<connection*>(done->data);
                 if (status < 0) return close(written);
                 uv_read_start(reinterpret_cast<uv_stream_t*>(&written->stream), give_buffer,
                               on_read);
             });
}

void on_read(uv_stream_t* stream, ssize_t length, const uv_buf_t* buffer) {
    auto* own = static_cast<connection*>(stream->data);
    if (length == 0) return;  // libuv's EAGAIN
    if (length < 0) return close(own);
    const uv_buf_t answer = uv_buf_init(buffer->base, static_cast<unsigned>(length));
    int sent = uv_try_write(stream, &answer, 1);
    if (sent == UV_EAGAIN) sent = 0;
    if (sent < 0) return close(own);
    if (sent < length)
        write_rest(own, buffer->base + sent, static_cast<std::size_t>(length - sent));
}

void on_connection(uv_stream_t* listener, int status) {
    if (status < 0) return;
    auto* own = new connection;
    uv_tcp_init(listener->loop, &own->stream);
    own->stream.data = own;
    own->write.data = own;
    own->buffer = static_cast<char*>(std::malloc(size));
    if (uv_accept(listener, reinterpret_cast<uv_stream_t*>(&own->stream)) < 0) return close(own);
    uv_tcp_nodelay(&own->stream, 1);
    uv_read_start(reinterpret_cast<uv_stream_t*>(&own->stream), give_buffer, on_read);
}

}  // namespace

int main(int argc, char** argv) {
    size = bench::buffer_size(argc, argv);
    uv_loop_t* loop = uv_default_loop();
    uv_tcp_t listener;
    uv_tcp_init(loop, &listener);
    sockaddr_in where{};
    uv_ip4_addr("127.0.0.1", 0, &where);
    uv_tcp_bind(&listener, reinterpret_cast<const sockaddr*>(&where), 0);
    uv_listen(reinterpret_cast<uv_stream_t*>(&listener), 1024, on_connection);
    int length = sizeof where;
    uv_tcp_getsockname(&listener, reinterpret_cast<sockaddr*>(&where), &length);
    bench::print_port(ntohs(where.sin_port));
    uv_run(loop, UV_RUN_DEFAULT);
}
