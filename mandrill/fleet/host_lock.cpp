// Record locks on the first byte of a file; host_lock.hpp says why these.
#include "mandrill/fleet/host_lock.hpp"

#include <fcntl.h>
#include <string>

#include "loop/error.hpp"

namespace mandrill {
namespace {

struct flock first_byte() noexcept {
    struct flock range{};
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    range.l_start = 0;
    range.l_len = 1;
    return range;
}

}  // namespace

std::filesystem::path host_lock_file(const std::filesystem::path& ledger, std::string_view host) {
    return ledger.parent_path() / (std::string(host) + ".lock");
}

std::optional<host_lock> host_lock::try_acquire(const std::filesystem::path& file) {
    mayhem::unique_fd opened(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!opened) mayhem::throw_errno(errno, "Could not open " + file.string());
    struct flock range = first_byte();
    if (::fcntl(opened.get(), F_SETLK, &range) == 0) return host_lock(std::move(opened));
    if (errno == EACCES || errno == EAGAIN) return std::nullopt;  // POSIX allows either
    mayhem::throw_errno(errno, "Could not lock " + file.string());
}

std::optional<pid_t> host_lock::holder(const std::filesystem::path& file) {
    const mayhem::unique_fd opened(::open(file.c_str(), O_RDWR | O_CLOEXEC));
    if (!opened && errno == ENOENT) return std::nullopt;  // it has never booted
    if (!opened) mayhem::throw_errno(errno, "Could not open " + file.string());
    struct flock range = first_byte();
    if (::fcntl(opened.get(), F_GETLK, &range) != 0) {
        mayhem::throw_errno(errno, "Could not ask for the lock on " + file.string());
    }
    if (range.l_type == F_UNLCK) return std::nullopt;
    return range.l_pid;
}

}  // namespace mandrill
