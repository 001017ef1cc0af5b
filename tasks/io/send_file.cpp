#include "tasks/io/send_file.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "loop/error.hpp"
#include "tasks/io/io_awaiter.hpp"
#include "tasks/io/pipe.hpp"

namespace mayhem::detail {
namespace {

// One call carries at most this much; see transfer_all.cpp.
constexpr std::uint64_t chunk_bytes_max = std::uint64_t{512} << 10;

/// The file's side of a transfer: who closes the file ends the transfer and waits for it.
class file_user final : public descriptor_user {
  public:
    file_user(descriptor& file, descriptor_user& transfer) noexcept
        : descriptor_user(&file, io_use::other), transfer_(transfer) {
        enter();
    }
    [[nodiscard]] bool is_in_flight() const noexcept override { return transfer_.is_in_flight(); }
    void ask_to_end() noexcept override { transfer_.ask_to_end(); }

  private:
    descriptor_user& transfer_;
};

/// All parts in one wait, as transfer_all does it.
class file_transfer final : public io_awaiter {
  public:
    file_transfer(descriptor& to, descriptor& from, std::uint64_t begin, std::uint64_t count)
        : io_awaiter(&to, io_use::write), from_(from), at_(begin), left_(count), use_(from, *this) {
        go_in_parts();
        prepare_next();
        check_thread();
    }

    bool await_ready() noexcept { return left_ == 0 || io_awaiter::await_ready(); }
    /// How much of the file is not sent: it ended. `path` is for messages.
    std::uint64_t finish(const std::string& path) {
        if (left_ == 0) {
            if (state != operation_state::idle) static_cast<void>(take_result());
            return 0;
        }
        const std::int32_t last = take_result();
        if (last == 0) return left_;
        // A part was sent, and another was not begun: cancelled, or something was closed.
        if (last > 0) throw_if_cancelled(false);
        const bool was_closed = last > 0 || last == -ECANCELED;
        if (was_closed && !from_.is_open()) {
            throw_errno(ECANCELED, "sendfile: " + path + " was closed meanwhile");
        }
        throw_failure(was_closed ? -ECANCELED : last);
    }
    void await_resume() const noexcept {}

  private:
    [[nodiscard]] bool continues() noexcept override {
        if (result <= 0) return false;
        at_ += static_cast<std::uint32_t>(result);
        left_ -= static_cast<std::uint32_t>(result);
        if (left_ == 0 || was_asked_to_cancel() || has_pending_cancel()) return false;
        if (is_refused() || !from_.is_open()) return false;
        prepare_next();
        return true;
    }
    void prepare_next() noexcept {
        const auto size = static_cast<std::size_t>(std::min(left_, chunk_bytes_max));
        prepare_sendfile(on()->get(), from_.get(), size, at_);
    }

    descriptor& from_;
    std::uint64_t at_;
    std::uint64_t left_;
    file_user use_;
};

}  // namespace

coro<std::uint64_t> send_file(descriptor& to, std::shared_ptr<descriptor> from,
                              std::uint64_t offset, std::uint64_t count, std::string path) {
    if (!from->is_open()) throw_errno(EBADF, "sendfile of a closed file");
    from->check_thread("sendfile");
    ignore_broken_pipes();
    file_transfer transfer(to, *from, offset, count);
    co_await transfer;
    co_return count - transfer.finish(path);
}

}  // namespace mayhem::detail
