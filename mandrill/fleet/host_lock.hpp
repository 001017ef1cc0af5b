// One process per host: the lock that a host takes before it boots and holds until it dies, however
// it dies. It is also how an owner finds a host that an earlier owner left behind, even one that is
// still booting and has not written to the ledger yet: the kernel names the holder.
//
// Facts: a POSIX record lock belongs to a process, goes away with it, and F_GETLK tells its pid;
// it is also lost when the process closes *any* descriptor of the file. So the file is used for
// nothing else, and a host opens it once.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>
#include <sys/types.h>

#include "loop/fd.hpp"

namespace mandrill {

/// The lock's file, beside the ledger.
[[nodiscard]] std::filesystem::path host_lock_file(const std::filesystem::path& ledger,
                                                   std::string_view host);

class host_lock {
  public:
    /// Takes the lock for this process; nullopt when another process has it. Throws
    /// std::system_error.
    [[nodiscard]] static std::optional<host_lock> try_acquire(const std::filesystem::path& file);

    /// The process that runs as this host; nullopt when there is none. Throws std::system_error.
    [[nodiscard]] static std::optional<pid_t> holder(const std::filesystem::path& file);

  private:
    explicit host_lock(mayhem::unique_fd held) noexcept : held_(std::move(held)) {}

    mayhem::unique_fd held_;
};

}  // namespace mandrill
