// The bytes of strangers, in portions that end anywhere, read in parts of several kinds. However
// they are cut, the same parts come out, in the same order as from one piece; parts that are too
// long are reported once each and skipped as a whole.
//
// The input: how many bytes the first portions have (as many numbers as the first byte says), which
// reads are done (again), and then the stream.

#include <algorithm>
#include <span>
#include <system_error>

#include "tasks/io/line_reader.hpp"
#include "tasks/run.hpp"
#include "tests/fuzz/fuzz_target.hpp"

namespace {

constexpr std::size_t part_max = 8;

/// Takes the input apart.
class input_reader {
  public:
    explicit input_reader(std::string_view input) : input_(input) {}
    std::string_view take_counted() {
        if (input_.empty()) return {};
        const std::size_t count = static_cast<unsigned char>(input_.front()) % 16;
        const std::string_view taken = input_.substr(1, count);
        input_.remove_prefix(1 + taken.size());
        return taken;
    }
    [[nodiscard]] std::string_view rest() const { return input_; }

  private:
    std::string_view input_;
};

/// Gives the text in portions, over and over of the given sizes; with none, all at once.
class cut_stream {
  public:
    cut_stream(std::string_view text, std::string_view sizes) : text_(text), sizes_(sizes) {}

    mayhem::coro<std::size_t> read_some(std::span<std::byte> into) {
        std::size_t count = std::min(into.size(), text_.size());
        if (!sizes_.empty()) {
            const char size = sizes_[portion_++ % sizes_.size()];
            count = std::min<std::size_t>(count, 1 + static_cast<unsigned char>(size) % 32);
        }
        std::ranges::copy(std::as_bytes(std::span(text_.substr(0, count))), into.begin());
        text_.remove_prefix(count);
        co_return count;
    }

  private:
    std::string_view text_;
    std::string_view sizes_;
    std::size_t portion_ = 0;
};

using lines = mayhem::line_reader<cut_stream>;

mayhem::coro<std::string> read_as(char kind, lines& from) {
    if (static_cast<unsigned char>(kind) % 4 == 1) co_return co_await from.read_until("\r\n");
    if (static_cast<unsigned char>(kind) % 4 == 2) co_return co_await from.read_until("aab");
    if (static_cast<unsigned char>(kind) % 4 == 3) co_return co_await from.read_exactly(3);
    auto line = co_await from.read_line();
    if (!line) mayhem::detail::throw_end_of_stream(0, 0);
    co_return std::move(*line);
}

/// What came out, in words: a part in brackets, `!` for one that was too long, and in the end how
/// much is left that no read gave.
mayhem::coro<std::string> read_everything(std::string_view text, std::string_view sizes,
                                          std::string_view kinds) {
    cut_stream stream(text, sizes);
    lines reader(stream, part_max);
    std::string story;
    for (std::size_t turn = 0;; ++turn) {
        try {
            const char kind = kinds.empty() ? '\0' : kinds[turn % kinds.size()];
            const std::string part = co_await read_as(kind, reader);
            story += '[' + part + ']';
        } catch (const std::system_error& error) {
            if (error.code() == mayhem::stream_errc::end_of_stream) break;
            fuzz_require(error.code() == mayhem::stream_errc::line_too_long, error.what());
            story += '!';
        }
        fuzz_require(turn <= text.size(), "more parts than bytes");
    }
    co_return story + std::to_string(reader.buffered());
}

/// What read_line should give, by the plainest means.
std::string lines_of(std::string_view text) {
    std::string story;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        story += line.size() > part_max ? "!" : '[' + std::string(line) + ']';
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
    }
    return story + '0';
}

mayhem::runner& loop_of_all_runs() {
    static mayhem::runner own{[] {
        mayhem::run_options options;
        options.loop.backend = mayhem::backend_kind::epoll;  // it has nothing to do
        options.handle_interrupt = false;  // libFuzzer has threads, and its own handler
        return options;
    }()};
    return own;
}

}  // namespace

std::vector<std::string> fuzz_examples() {
    using namespace std::string_literals;
    return {"\0\0hello\nworld\n"s,
            "\1\0\0a\nb\nc\n\n\n"s,
            "\1\3\0"s + "1234567890\nshort\n12345678\n",
            "\2\1\5\1\1no end\r\nno end again\r\nend\r",
            "\3\1\1\2\3\0\1\2" + "ab\r\naaab12345678aaaab\nabc\n"s,
            "\1\2\2\1\3" + "123456789abcdef\r\nabc\r\ndefghi\r\n"s,
            ""};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    input_reader input(fuzz_text(data, size));
    const std::string_view sizes = input.take_counted();
    const std::string_view kinds = input.take_counted();
    mayhem::runner& loop = loop_of_all_runs();
    const std::string whole = loop.run(read_everything(input.rest(), {}, kinds));
    const std::string in_portions = loop.run(read_everything(input.rest(), sizes, kinds));
    fuzz_require(whole == in_portions, "how a stream is cut changes what is read");
    const std::string read = loop.run(read_everything(input.rest(), sizes, {}));
    fuzz_require(read == lines_of(input.rest()), "the lines are not those that were sent");
    return 0;
}
