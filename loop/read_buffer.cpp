// See the header. The stock is bounded, so what a burst took goes back to the allocator.
#include "loop/read_buffer.hpp"

#include <array>
#include <new>

namespace mayhem::detail {

namespace {

/// What a thread keeps: plain data, since an object with a destructor is asked at every access
/// whether it has been made yet.
struct stock {
    std::array<std::byte*, read_buffers_kept> buffers;
    std::size_t count;
    std::size_t room;  // none before the first buffer is given back, and after the thread's end
    bool has_ended;
    long taken;
};
constinit thread_local stock own{};

struct end_of_thread {
    ~end_of_thread() {
        own.has_ended = true;
        own.room = 0;
        while (own.count > 0) ::operator delete(own.buffers[--own.count]);
    }
};

/// What the first buffer that is given back finds. @returns false when there is no room indeed.
[[gnu::noinline]] bool makes_room() noexcept {
    if (own.room > 0 || own.has_ended) return false;
    thread_local const end_of_thread gives_all_back;
    own.room = read_buffers_kept;
    return true;
}

[[gnu::noinline]] std::byte* take_from_allocator() noexcept {
    void* const buffer = ::operator new(read_buffer_bytes, std::nothrow);
    if (buffer != nullptr) ++own.taken;
    return static_cast<std::byte*>(buffer);
}

}  // namespace

std::byte* take_read_buffer() noexcept {
    if (own.count == 0) [[unlikely]]
        return take_from_allocator();
    ++own.taken;
    return own.buffers[--own.count];
}

void give_read_buffer(std::byte* buffer) noexcept {
    --own.taken;
    if (own.count == own.room && !makes_room()) [[unlikely]]
        return ::operator delete(buffer);
    own.buffers[own.count++] = buffer;
}

long read_buffers_taken() noexcept { return own.taken; }

}  // namespace mayhem::detail
