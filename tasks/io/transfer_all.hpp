// All of a buffer, in as many operations as the kernel needs: read_exactly and write_all. One wait
// for the task: it sleeps until the last byte, and nothing is allocated in between.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <system_error>
#include <type_traits>

#include "tasks/io/io_awaiter.hpp"
#include "tasks/io/stream_error.hpp"

namespace mayhem::detail {

class transfer_awaiter : public io_awaiter {
  public:
    bool await_ready() noexcept { return left_ == 0 || io_awaiter::await_ready(); }

  protected:
    transfer_awaiter(descriptor& on, io_use use, std::byte* data, std::size_t size) noexcept;

    /// 0, a negative errno, or `ended`. Throws `cancelled` when the task was cancelled on the way.
    [[nodiscard]] std::int32_t take_outcome();
    static constexpr std::int32_t ended = 1;

    [[noreturn]] void throw_outcome(std::int32_t outcome) const;

  private:
    [[nodiscard]] bool continues() noexcept final;
    void prepare_next() noexcept;

    std::byte* data_;
    std::size_t size_;
    std::size_t left_;
};

/// `Throws`: std::system_error; otherwise the answer is std::expected<void, std::error_code>.
template <bool Throws>
class transfer_call final : public transfer_awaiter {
  public:
    using answer = std::conditional_t<Throws, void, std::expected<void, std::error_code>>;

    transfer_call(descriptor& on, io_use use, std::byte* data, std::size_t size)
        : transfer_awaiter(on, use, data, size) {
        check_thread();
    }

    answer await_resume() {
        const std::int32_t outcome = take_outcome();
        if constexpr (Throws) {
            if (outcome != 0) throw_outcome(outcome);
        } else {
            if (outcome == ended)
                return std::unexpected(make_error_code(stream_errc::end_of_stream));
            if (outcome != 0) return std::unexpected(errno_code(outcome));
            return answer();
        }
    }
};

/// What read_exactly and write_all return: to be awaited, or handed to create_task and its like.
template <bool Throws>
class [[nodiscard]] transfer_all {
  public:
    transfer_all(descriptor& on, std::span<std::byte> buffer) noexcept
        : on_(&on), use_(io_use::read), data_(buffer.data()), size_(buffer.size()) {}
    transfer_all(descriptor& on, std::span<const std::byte> data) noexcept
        : on_(&on),
          use_(io_use::write),
          data_(const_cast<std::byte*>(data.data())),  // only ever read from
          size_(data.size()) {}

    auto operator co_await() const { return transfer_call<Throws>(*on_, use_, data_, size_); }

  private:
    descriptor* on_;  // and not the stream, which may be moved meanwhile
    io_use use_;
    std::byte* data_;
    std::size_t size_;
};

}  // namespace mayhem::detail
