// Pipes, and the standard streams, whose flags belong to others as well.
#include <csignal>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tests/support/scratch_folder.hpp"
#include "tests/tasks/io/io_support.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::test;

bool is_non_blocking(int fd) { return (::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0; }

/// Puts another descriptor in the place of a standard one, as long as it lives.
class replaced_standard_descriptor {
  public:
    replaced_standard_descriptor(int standard, int replacement)
        : standard_(standard), before_(::fcntl(standard, F_DUPFD_CLOEXEC, 100)) {
        EXPECT_EQ(::dup2(replacement, standard), standard);
    }
    replaced_standard_descriptor(const replaced_standard_descriptor&) = delete;
    replaced_standard_descriptor& operator=(const replaced_standard_descriptor&) = delete;
    ~replaced_standard_descriptor() {
        if (before_) {
            ::dup2(before_.get(), standard_);
        } else {
            ::close(standard_);
        }
    }

  private:
    int standard_;
    unique_fd before_;
};

CO_TEST(pipe, a_megabyte_goes_through) {
    pipe_ends ends = make_pipe();
    const std::string sent(std::size_t{1} << 20, 'p');
    auto write_it = [&]() -> coro<> {
        co_await ends.writer.write_all(sent);
        co_await ends.writer.close();
    };
    auto writer = create_task(write_it());
    std::string received;
    text_space buffer;
    for (;;) {
        const std::size_t count = co_await ends.reader.read_some(buffer.room());
        if (count == 0) break;
        received += buffer.text(count);
    }
    EXPECT_TRUE(received == sent);
    co_await writer;
}

CO_TEST(pipe, writing_without_a_reader_is_an_error_and_not_a_signal) {
    pipe_ends ends = make_pipe();
    co_await ends.reader.close();
    const auto written = co_await ends.writer.try_write_all(bytes_of("anybody?"));
    CO_ASSERT_TRUE(!written.has_value());
    EXPECT_EQ(written.error(), std::errc::broken_pipe);
}

CO_TEST(pipe, standard_input_is_read_without_touching_its_flags) {
    int raw[2] = {-1, -1};
    CO_ASSERT_EQ(::pipe2(raw, O_CLOEXEC), 0);
    const unique_fd read_end(raw[0]);
    unique_fd write_end(raw[1]);
    const replaced_standard_descriptor replaced(STDIN_FILENO, read_end.get());
    pipe_reader input = standard_input();
    line_reader lines(input);
    auto reading = [&]() -> coro<std::optional<std::string>> {
        co_return co_await lines.read_line();
    };
    auto first = create_task(reading());
    for (int tick = 0; tick < 3; ++tick) co_await yield();  // it waits, and blocks nobody
    EXPECT_FALSE(first.done());
    EXPECT_EQ(::write(write_end.get(), "typed\n", 6), 6);
    EXPECT_EQ(co_await first, "typed");
    EXPECT_FALSE(is_non_blocking(STDIN_FILENO));
    auto second = create_task(reading());
    co_await yield();
    second.cancel();  // as a shutdown does to whoever reads the standard input
    EXPECT_TRUE(co_await ends_cancelled(second));
    write_end.reset();
    EXPECT_EQ(co_await lines.read_line(), std::nullopt);
    co_await input.close();
    EXPECT_GE(::fcntl(STDIN_FILENO, F_GETFD), 0) << "descriptor 0 is not ours to close";
}

CO_TEST(pipe, standard_input_may_be_a_file_or_nothing) {
    scratch_folder folder;
    const std::string path = folder.file("requests");
    const unique_fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    CO_ASSERT_EQ(::write(file.get(), "one\ntwo\n", 8), 8);
    CO_ASSERT_EQ(::lseek(file.get(), 0, SEEK_SET), 0);
    {
        const replaced_standard_descriptor replaced(STDIN_FILENO, file.get());
        pipe_reader input = standard_input();
        line_reader lines(input);
        EXPECT_EQ(co_await lines.read_line(), "one");
        EXPECT_EQ(co_await lines.read_line(), "two");
        EXPECT_EQ(co_await lines.read_line(), std::nullopt);
    }
    const unique_fd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const replaced_standard_descriptor replaced(STDIN_FILENO, nothing.get());
    pipe_reader input = standard_input();
    line_reader lines(input);
    EXPECT_EQ(co_await lines.read_line(), std::nullopt);
}

CO_TEST(pipe, standard_output_is_written_without_touching_its_flags) {
    int raw[2] = {-1, -1};
    CO_ASSERT_EQ(::pipe2(raw, O_CLOEXEC), 0);
    const unique_fd read_end(raw[0]);
    const unique_fd write_end(raw[1]);
    char received[16] = {};
    {
        const replaced_standard_descriptor replaced(STDERR_FILENO, write_end.get());
        pipe_writer output = standard_error();
        co_await output.write_all("said");
        EXPECT_FALSE(is_non_blocking(STDERR_FILENO));
    }
    EXPECT_EQ(::read(read_end.get(), received, sizeof received), 4);
}

}  // namespace
