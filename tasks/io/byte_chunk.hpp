// Bytes that were read, with the memory that they are in: what `co_await stream.read()` gives.
//
// The memory is taken when the bytes are there (loop/read_buffer.hpp), so a task that waits for
// them holds none; it goes back when the chunk is destroyed. A chunk belongs to no loop: it may be
// kept, moved to another thread, and outlive the stream.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

#include "loop/read_buffer.hpp"

namespace mayhem {

/// Move-only.
class byte_chunk {
  public:
    /// What one `read` brings at most.
    static constexpr std::size_t capacity = detail::read_buffer_bytes;

    /// Empty: the end of a stream.
    byte_chunk() noexcept = default;
    /// Takes a read buffer over.
    byte_chunk(std::byte* buffer, std::size_t size) noexcept : buffer_(buffer), size_(size) {}
    byte_chunk(byte_chunk&& other) noexcept
        : buffer_(std::exchange(other.buffer_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    byte_chunk& operator=(byte_chunk other) noexcept {
        std::swap(buffer_, other.buffer_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~byte_chunk() {
        if (buffer_ != nullptr) detail::give_read_buffer(buffer_);
    }

    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::span<std::byte> bytes() const noexcept { return {buffer_, size_}; }
    [[nodiscard]] std::string_view text() const noexcept {
        return {reinterpret_cast<const char*>(buffer_), size_};
    }

  private:
    std::byte* buffer_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace mayhem
