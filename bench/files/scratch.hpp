// What all who work with files agree on: one file of 16 MiB that is in the page cache, and which of
// its blocks are read. Nothing here waits for a disk, but for what asks for it (fsync).
#pragma once

#include <array>
#include <benchmark/benchmark.h>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <fcntl.h>
#include <string>
#include <unistd.h>
#include <vector>

namespace bench {

constexpr std::size_t file_bytes = 16 << 20;
constexpr std::size_t block_bytes = 4096;

/// The file; removed at the end.
class scratch_file {
  public:
    scratch_file() {
        fd_ = ::mkstemp(path_.data());
        const std::vector<char> content(file_bytes, 'x');
        if (::write(fd_, content.data(), file_bytes) != static_cast<ssize_t>(file_bytes)) {
            std::terminate();
        }
    }
    scratch_file(const scratch_file&) = delete;
    scratch_file& operator=(const scratch_file&) = delete;
    ~scratch_file() {
        ::unlink(path_.c_str());
        ::close(fd_);
    }

    [[nodiscard]] int fd() const { return fd_; }
    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    std::string path_ = "/tmp/mayhem-bench-XXXXXX";
    int fd_ = -1;
};

/// Where to read next: blocks in an order that no read-ahead guesses, the same for everybody.
class random_blocks {
  public:
    std::uint64_t next() {
        state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
        return (state_ >> 33) % (file_bytes / block_bytes) * block_bytes;
    }

  private:
    std::uint64_t state_ = 1;
};

/// Blocks that each of those who read at the same time reads in one iteration.
constexpr std::int64_t blocks_of_each = 32;

/// A megabyte at a time, one after the other, to the end of the file.
constexpr std::size_t long_bytes = 1 << 20;
constexpr std::int64_t long_count = file_bytes / long_bytes;

}  // namespace bench
