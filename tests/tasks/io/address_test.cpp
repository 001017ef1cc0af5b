// Addresses as text and as the kernel knows them, and names to addresses.
#include <gtest/gtest.h>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"

namespace {

using namespace mayhem;

TEST(address, text_goes_there_and_back) {
    for (const char* text : {"127.0.0.1:80", "[::1]:8080", "0.0.0.0:0", "unix:/run/app.sock"}) {
        const auto parsed = address::parse(text);
        ASSERT_TRUE(parsed.has_value()) << text << ": " << parsed.error();
        EXPECT_EQ(parsed->to_string(), text);
    }
    EXPECT_EQ(address::parse("[::1]:8080")->port(), 8080);
    EXPECT_EQ(address::parse("[::1]:8080")->host(), "::1");
    EXPECT_EQ(address::parse("unix:/run/app.sock")->host(), "/run/app.sock");
}

TEST(address, what_is_no_address_is_explained) {
    for (const char* text : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:-1",
                             "127.0.0.1:8x", "::1:80", "localhost:80", "unix:"}) {
        const auto parsed = address::parse(text);
        ASSERT_FALSE(parsed.has_value()) << text;
        EXPECT_FALSE(parsed.error().empty()) << text;
    }
}

TEST(address, equal_means_the_same_place) {
    EXPECT_EQ(address::loopback(80), *address::parse("127.0.0.1:80"));
    EXPECT_NE(address::loopback(80), address::loopback(81));
    EXPECT_NE(address::loopback(80), address());
    EXPECT_EQ(address().to_string(), "(no address)");
}

CO_TEST(resolve, a_numeric_host_needs_no_look_up) {
    const auto found = co_await resolve("127.0.0.1", 80);
    EXPECT_EQ(found, std::vector{address::loopback(80)});
}

CO_TEST(resolve, localhost_is_found) {
    const auto found = co_await resolve("localhost", 80);
    CO_ASSERT_TRUE(!found.empty());
    for (const address& candidate : found) EXPECT_EQ(candidate.port(), 80);
}

CO_TEST(resolve, a_name_that_does_not_exist_is_named_in_the_error) {
    try {
        co_await resolve("no such host", 80);
        ADD_FAILURE() << "it was found";
    } catch (const std::system_error& error) {
        EXPECT_EQ(&error.code().category(), &resolve_category());
        EXPECT_NE(std::string(error.what()).find("no such host"), std::string::npos);
    }
}

}  // namespace
