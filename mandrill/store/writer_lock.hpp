// The right to write one database: at most one process has it.
//
// SQLite alone would let two services take turns writing, and each would deliver the other's
// messages again. So the writer holds a lock on `<database>.lock` for as long as it lives. The lock
// is flock's: the kernel releases it however the process ends, kill -9 included, so a stale lock
// cannot exist. The file itself stays, with the process id of its last holder, for the error
// message only.
//
// It refuses to guard readers, which need no permission, and to work across machines.
#pragma once

#include <filesystem>

namespace mandrill {

/// Held from construction to destruction.
class writer_lock {
  public:
    /// Locks `<database>.lock`. Throws store_error: `held_by_writer` with the process id of the
    /// holder, or `cannot_open`.
    explicit writer_lock(const std::filesystem::path& database);
    writer_lock(const writer_lock&) = delete;
    writer_lock& operator=(const writer_lock&) = delete;
    ~writer_lock();

  private:
    int fd_;
};

}  // namespace mandrill
