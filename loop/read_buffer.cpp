// See the header. The stock is bounded, so what a burst took goes back to the allocator.
#include "loop/read_buffer.hpp"

#include <array>
#include <new>

namespace mayhem::detail {

namespace {

struct stock {
    std::array<std::byte*, read_buffers_kept> buffers{};
    std::size_t count = 0;
    long taken = 0;

    ~stock() {
        while (count > 0) ::operator delete(buffers[--count]);
    }
};
thread_local stock own;

}  // namespace

std::byte* take_read_buffer() noexcept {
    const bool in_stock = own.count > 0;
    void* const buffer =
        in_stock ? own.buffers[--own.count] : ::operator new(read_buffer_bytes, std::nothrow);
    if (buffer != nullptr) ++own.taken;
    return static_cast<std::byte*>(buffer);
}

void give_read_buffer(std::byte* buffer) noexcept {
    --own.taken;
    if (own.count == read_buffers_kept) return ::operator delete(buffer);
    own.buffers[own.count++] = buffer;
}

long read_buffers_taken() noexcept { return own.taken; }

}  // namespace mayhem::detail
