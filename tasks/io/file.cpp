#include "tasks/io/file.hpp"

#include <algorithm>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <utility>

#include "tasks/io/file_call.hpp"

namespace mayhem {
namespace {

using detail::file_answer;
using detail::file_request;
using detail::io_kind;
using detail::io_use;
using shared_descriptor = std::shared_ptr<detail::descriptor>;

// One write carries at most this much, so that a cancellation never waits for a giant one.
constexpr std::size_t write_chunk_bytes = std::size_t{1} << 20;

std::uint64_t require(const file_answer& answer, const char* what, const std::string& path) {
    if (answer) return *answer;
    throw std::system_error(answer.error(), fmt::format("{} {}", what, path));
}

/// Of use to threads only. The kernel answers from memory, so that this does not block.
io_kind kind_of(const unique_fd& opened, const event_loop& loop) {
    if (loop.get_backend().completes_files_asynchronously()) return io_kind::stream;
    struct statx status{};
    const int looked = ::statx(opened.get(), "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC,
                               STATX_TYPE | STATX_SIZE, &status);
    if (looked != 0 || !S_ISREG(status.stx_mode)) return io_kind::stream;
    // Some that have no size are files by name only, and a read waits for what will happen
    // (trace_pipe).
    const bool may_wait =
        status.stx_size == 0 && (::fcntl(opened.get(), F_GETFL) & O_ACCMODE) == O_RDONLY;
    return may_wait ? io_kind::stream : io_kind::regular_file;
}

std::shared_ptr<detail::descriptor> share(unique_fd opened) {
    event_loop& loop = get_running_loop();
    const io_kind kind = kind_of(opened, loop);
    return std::make_shared<detail::descriptor>(loop, std::move(opened), kind);
}

// The bodies get copies of what they need and not the file: a file may be moved meanwhile.

coro<std::size_t> read_part(shared_descriptor on, io_use use, std::span<std::byte> buffer,
                            std::uint64_t offset, std::string path) {
    file_request request(opcode::read);
    request.into = buffer;
    request.offset = offset;
    const file_answer answer = co_await detail::carry_out(std::move(on), use, std::move(request));
    co_return static_cast<std::size_t>(require(answer, "read", path));
}

coro<void> write_parts(shared_descriptor on, io_use use, std::span<const std::byte> data,
                       std::uint64_t offset, std::string path) {
    while (!data.empty()) {
        file_request request(opcode::write);
        request.data = data.first(std::min(data.size(), write_chunk_bytes));
        request.offset = offset;
        const file_answer answer = co_await detail::carry_out(on, use, std::move(request));
        const std::uint64_t written = require(answer, "write", path);
        data = data.subspan(static_cast<std::size_t>(written));
        if (offset != operation::current_position) offset += written;
    }
}

coro<std::uint64_t> ask_size(shared_descriptor on, std::string path) {
    file_request request(opcode::statx);
    const file_answer answer =
        co_await detail::carry_out(std::move(on), io_use::other, std::move(request));
    co_return require(answer, "stat", path);
}

coro<void> sync_it(shared_descriptor on, bool data_only, std::string path) {
    file_request request(opcode::fsync);
    request.flags = data_only ? 1 : 0;
    const file_answer answer =
        co_await detail::carry_out(std::move(on), io_use::other, std::move(request));
    require(answer, "sync", path);
}

}  // namespace

file::file(std::string path, unique_fd opened)
    : state_(share(std::move(opened))), path_(std::move(path)) {}

detail::descriptor& file::state() const noexcept {
    MAYHEM_CHECK(state_ != nullptr, "a file was used that is empty or was moved from");
    return *state_;
}

coro<std::expected<file, std::error_code>> file::try_open(std::string path, int flags,
                                                          mode_t mode) {
    file_request request(opcode::openat);
    request.path = path;
    request.flags = flags;
    request.mode = mode;
    const file_answer answer =
        co_await detail::carry_out(nullptr, io_use::other, std::move(request));
    if (!answer) co_return std::unexpected(answer.error());
    unique_fd opened(static_cast<int>(*answer));
    co_return file(std::move(path), std::move(opened));
}

coro<file> file::open(std::string path, int flags, mode_t mode) {
    auto opened = co_await try_open(path, flags, mode);
    if (!opened) throw std::system_error(opened.error(), "open " + path);
    co_return std::move(*opened);
}

coro<std::size_t> file::read_some(std::span<std::byte> buffer) {
    static_cast<void>(state());
    return read_part(state_, io_use::read, buffer, operation::current_position, path_);
}

coro<std::size_t> file::read_at(std::span<std::byte> buffer, std::uint64_t offset) {
    static_cast<void>(state());
    return read_part(state_, io_use::other, buffer, offset, path_);
}

coro<void> file::write_all(std::span<const std::byte> data) {
    static_cast<void>(state());
    return write_parts(state_, io_use::write, data, operation::current_position, path_);
}

coro<void> file::write_all(std::string_view text) {
    return write_all(std::as_bytes(std::span(text)));
}

coro<void> file::write_all_at(std::span<const std::byte> data, std::uint64_t offset) {
    static_cast<void>(state());
    return write_parts(state_, io_use::other, data, offset, path_);
}

coro<std::uint64_t> file::size() const {
    static_cast<void>(state());
    return ask_size(state_, path_);
}

coro<void> file::sync(bool data_only) {
    static_cast<void>(state());
    return sync_it(state_, data_only, path_);
}

}  // namespace mayhem
