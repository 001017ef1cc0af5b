#include "tasks/process_threads.hpp"

#include <array>
#include <cstdio>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "loop/fd.hpp"
#include "loop/stall_watchdog.hpp"

namespace mayhem::detail {
namespace {

// ThreadSanitizer runs a thread of its own, which wakes nobody.
constexpr std::size_t sanitizer_threads() {
#if defined(__SANITIZE_THREAD__)
    return 1;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
    return 1;
#endif
#endif
    return 0;
}

/// False for io_uring's workers, and for threads that are ending: a thread is listed for a moment
/// after it was joined.
bool may_run_our_code(const char* thread_id) noexcept {
    constexpr unsigned is_exiting = 0x4;     // PF_EXITING
    constexpr unsigned is_io_worker = 0x10;  // PF_IO_WORKER
    std::array<char, 288> path{};            // a name in a folder has up to 255 bytes
    std::snprintf(path.data(), path.size(), "/proc/self/task/%s/stat", thread_id);
    const unique_fd file(::open(path.data(), O_RDONLY | O_CLOEXEC));
    std::array<char, 512> line{};
    const ssize_t count = file ? ::read(file.get(), line.data(), line.size() - 1) : 0;
    if (count <= 0) return false;  // it has ended meanwhile
    // "123 (a name, perhaps with parentheses) S parent group session terminal group flags ..."
    const char* after_name = std::strrchr(line.data(), ')');
    unsigned flags = 0;
    if (after_name == nullptr ||
        std::sscanf(after_name, ") %*c %*d %*d %*d %*d %*d %u", &flags) != 1) {
        return true;  // proc(5) has changed: assume that it may
    }
    return (flags & (is_exiting | is_io_worker)) == 0;
}

}  // namespace

std::size_t count_threads() noexcept {
    DIR* tasks = ::opendir("/proc/self/task");
    if (tasks == nullptr) return 2;  // unknown: assume that somebody else is there
    std::size_t count = 0;
    while (const dirent* entry = ::readdir(tasks)) {
        if (entry->d_name[0] != '.' && may_run_our_code(entry->d_name)) ++count;
    }
    ::closedir(tasks);
    count -= stall_watchdog::threads();
    // The sanitizer starts its thread with the first of ours.
    return count > sanitizer_threads() ? count - sanitizer_threads() : count;
}

}  // namespace mayhem::detail
