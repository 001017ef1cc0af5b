// flock, and the process id for the message. The file is never unlinked: between another process's
// open and its flock that would leave two processes with a lock each, on two different files.
#include "mandrill/store/writer_lock.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <string>
#include <sys/file.h>
#include <system_error>
#include <unistd.h>

#include "mandrill/store/error.hpp"

namespace mandrill {

namespace {

std::string holder_named_in(int fd) {
    std::array<char, 32> text{};
    const ssize_t count = ::pread(fd, text.data(), text.size(), 0);
    std::string pid;
    for (ssize_t i = 0; i < count && text[static_cast<std::size_t>(i)] >= '0' &&
                        text[static_cast<std::size_t>(i)] <= '9';
         ++i) {
        pid += text[static_cast<std::size_t>(i)];
    }
    return pid.empty() ? "another process" : "process " + pid;
}

/// Two paths to one database (a symbolic link, "./") must lead to one lock.
std::filesystem::path lock_path(const std::filesystem::path& database) {
    std::error_code ignored;
    std::filesystem::path real = std::filesystem::weakly_canonical(database, ignored);
    if (ignored) real = database;
    return real += ".lock";
}

}  // namespace

writer_lock::writer_lock(const std::filesystem::path& database) {
    const std::filesystem::path path = lock_path(database);
    // CLOEXEC: the restarted hosts are children of this process and must not inherit the lock.
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd_ < 0) {
        const std::error_code reason(errno, std::generic_category());
        throw store_error(store_fault::cannot_open, path,
                          fmt::format("cannot open the writer's lock: {}", reason.message()));
    }
    int result;
    do {
        result = ::flock(fd_, LOCK_EX | LOCK_NB);
    } while (result < 0 && errno == EINTR);
    if (result < 0) {
        const std::error_code reason(errno, std::generic_category());
        const std::string holder = holder_named_in(fd_);
        ::close(fd_);
        if (reason == std::errc::operation_would_block) {
            throw store_error(store_fault::held_by_writer, database,
                              fmt::format("{} is already writing to this database", holder));
        }
        throw store_error(store_fault::cannot_open, path,
                          fmt::format("cannot lock: {}", reason.message()));
    }
    // Only for the message above; on a full disk the lock is as good without it.
    const std::string pid = fmt::format("{}\n", ::getpid());
    if (::ftruncate(fd_, 0) == 0) (void)!::pwrite(fd_, pid.data(), pid.size(), 0);
}

writer_lock::~writer_lock() { ::close(fd_); }

}  // namespace mandrill
