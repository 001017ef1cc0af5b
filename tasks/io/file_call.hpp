// One system call on a file, awaited: by the kernel where the backend can do that, by a thread of
// the executor where it would block the loop (epoll has no readiness for files).
//
// A thread cannot be stopped: once it has begun the call, this is not cancelled, and a request to
// cancel is raised at the next await. And it must not touch the caller's bytes when they are gone:
//   - a regular file's call ends by itself, so the thread works on the bytes themselves, and who
//     destroys the frame that waits (a loop that closes) waits for the thread first, as it does for
//     the kernel on io_uring;
//   - a pipe's or terminal's may never end, so the thread works on memory of its own, which is
//     copied when the result has come home.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <sys/stat.h>
#include <system_error>

#include "loop/operation.hpp"
#include "tasks/coro/coro.hpp"
#include "tasks/io/descriptor.hpp"

namespace mayhem::detail {

/// What is asked; which fields count is the opcode's affair, as in `operation`.
struct file_request {
    explicit file_request(opcode what) noexcept : code(what) {}

    opcode code;                        // read, write, openat, statx (of the size) or fsync
    std::span<std::byte> into{};        // read
    std::span<const std::byte> data{};  // write
    std::uint64_t offset = operation::current_position;
    std::string path{};  // openat
    int flags = 0;       // openat; fsync: 1 for the data only
    unsigned mode = 0;   // openat
};

/// A value (bytes, a descriptor, for statx the size of the file) or an error.
using file_answer = std::expected<std::uint64_t, std::error_code>;

/// Carries a request out. @param on the open file; null for openat
coro<file_answer> carry_out(std::shared_ptr<descriptor> on, io_use use, file_request request);

}  // namespace mayhem::detail
