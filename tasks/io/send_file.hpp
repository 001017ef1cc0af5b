// A part of a file into a socket, without a buffer in between: asyncio's loop.sendfile.
//
// The kernel's sendfile(2) is a plain call on both backends. On io_uring the same could be done by
// splices, which it hands to a worker thread; that was measured and is 1.4 to 1.9 times as slow.
// What sendfile costs: what is not in the page cache is read by the loop's thread, which waits for
// the disk. Who serves large files that are rarely asked for reads them with `file::read_at`
// instead.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tasks/coro/coro.hpp"
#include "tasks/io/descriptor.hpp"

namespace mayhem::detail {

/// Sends `count` bytes of `from`, from `offset` on. @returns how many were sent: fewer when the
/// file ends before. @param path for messages
coro<std::uint64_t> send_file(descriptor& to, std::shared_ptr<descriptor> from,
                              std::uint64_t offset, std::uint64_t count, std::string path);

}  // namespace mayhem::detail
