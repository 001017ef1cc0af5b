// Peers that follow a script, over real connections: pieces, pauses, ends and resets; and that
// anything off the script fails.
#include "tasks/testing/scripted_peer.hpp"

#include <cerrno>
#include <gmock/gmock.h>
#include <string>
#include <system_error>
#include <vector>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tasks/testing/failure_capture.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;
using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

coro<std::string> read_once(byte_stream& stream) {
    std::string space(100, '\0');
    space.resize(co_await stream.read_some(std::as_writable_bytes(std::span(space))));
    co_return space;
}

CO_TEST(scripted_peer, a_conversation_follows_the_script) {
    script lines;
    lines.expect("HELO\r\n").send("250 ok\r\n", 3).pause(2s).send("bye").half_close().expect_end();
    scripted_peer server(std::move(lines));
    tcp_stream stream = co_await server.connect();
    const time_point begin = get_running_loop().time();

    co_await stream.write_all("HELO\r\n");
    std::vector<std::string> got;
    for (int times = 0; times < 5; ++times) got.push_back(co_await read_once(stream));
    EXPECT_THAT(got, ElementsAre("250", " ok", "\r\n", "bye", ""));
    EXPECT_EQ(get_running_loop().time() - begin, 2s);

    stream.shutdown_write();
    co_await server.finish();
    co_await stream.close();
}

CO_TEST(scripted_peer, a_reset_is_seen_as_one) {
    script lines;
    lines.send("half a li").reset();
    scripted_peer server(std::move(lines));
    tcp_stream stream = co_await server.connect();
    EXPECT_EQ(co_await read_once(stream), "half a li");
    CO_EXPECT_THROW_THAT(
        co_await read_once(stream), std::system_error,
        ::testing::Property(&std::system_error::code, std::errc::connection_reset));
    co_await server.finish();
    co_await stream.close();
}

/// What a test with this body fails with.
template <typename Body>
std::vector<std::string> failures_in(const Body& body) {
    return failures_of([&] { run_co_test(backend_kind::epoll, body); });
}

TEST(scripted_peer, other_bytes_than_the_script_has_fail_the_test) {
    const auto body = []() -> coro<> {
        script lines;
        lines.send("hello").expect("HELO");
        scripted_peer server(std::move(lines));
        tcp_stream stream = co_await server.connect();
        co_await stream.write_all("EHLO");
        co_await server.finish();
        co_await stream.close();
    };
    EXPECT_THAT(failures_in(body),
                ElementsAre(AllOf(HasSubstr("got \"EHLO\" where the script has \"HELO\""),
                                  HasSubstr("step 2 of 2"))));
}

TEST(scripted_peer, an_end_that_comes_too_early_fails_the_test) {
    const auto body = []() -> coro<> {
        script lines;
        lines.expect("HELO");
        scripted_peer server(std::move(lines));
        tcp_stream stream = co_await server.connect();
        co_await stream.close();
        co_await server.finish();
    };
    EXPECT_THAT(failures_in(body), ElementsAre(HasSubstr("got the end of the stream")));
}

TEST(scripted_peer, bytes_that_come_too_late_fail_the_test) {
    const auto body = []() -> coro<> {
        script lines;
        lines.expect_end();
        scripted_peer server(std::move(lines));
        tcp_stream stream = co_await server.connect();
        co_await stream.write_all("more");
        co_await server.finish();
        co_await stream.close();
    };
    EXPECT_THAT(failures_in(body),
                ElementsAre(HasSubstr("got \"more\" where the script has the end of the stream")));
}

TEST(scripted_peer, a_script_that_is_not_at_its_end_fails_the_test) {
    const auto body = []() -> coro<> {
        script lines;
        lines.send("hello").expect("HELO");
        scripted_peer server(std::move(lines));
        tcp_stream stream = co_await server.connect();
        EXPECT_EQ(co_await read_once(stream), "hello");
        co_await stream.close();
    };
    EXPECT_THAT(failures_in(body), Contains(HasSubstr("dropped at step")));
}

}  // namespace
