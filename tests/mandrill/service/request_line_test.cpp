// What strangers write: which lines are requests, and that a refusal is one harmless line, whatever
// was refused.
#include "mandrill/service/request_line.hpp"

#include <gtest/gtest.h>
#include <string>

#include "mandrill/service/foreign_text.hpp"
#include "tests/mandrill/service/scripted_fleet.hpp"

namespace mandrill {
namespace {

using test::scripted_fleet;

std::expected<request, std::string> parse(const std::string& line) {
    static const scripted_fleet fleet{{"cattle-aaaa", "cattle-bbbb"}};
    return parse_request(line, origin::request, fleet);
}

std::string refusal_of(const std::string& line) {
    const auto parsed = parse(line);
    return parsed ? "accepted" : parsed.error();
}

TEST(request_line, all_members_but_the_host_may_be_left_out) {
    const auto least = parse(R"({"host":"cattle-aaaa"})");
    ASSERT_TRUE(least.has_value());
    EXPECT_EQ(least->host, "cattle-aaaa");
    EXPECT_EQ(least->id + least->reason + least->owner, "");
    const auto most = parse(R"({"id":"r1","owner":"me","reason":"why","host":"cattle-bbbb"})");
    ASSERT_TRUE(most.has_value());
    EXPECT_EQ(most->host, "cattle-bbbb");
    EXPECT_EQ(most->id, "r1");
    EXPECT_EQ(most->reason, "why");
    EXPECT_EQ(most->owner, "me");
    EXPECT_EQ(most->source, origin::request);
}

TEST(request_line, an_unknown_host_is_escaped_in_its_refusal) {
    EXPECT_EQ(refusal_of(R"({"host":"x\n13:15:31,250 INFO: all is well\u001b[2K"})"),
              R"(unknown host "x\n13:15:31,250 INFO: all is well\x1b[2K"; )"
              "the fleet has 2 hosts, the first is cattle-aaaa");
}

TEST(request_line, an_unknown_member_is_escaped_in_its_refusal) {
    EXPECT_EQ(refusal_of(R"({"ho\r\nst":1})"),
              R"(unknown member "ho\r\nst"; known are host, reason, owner, id)");
}

TEST(request_line, an_id_fits_into_the_arguments_of_a_process) {
    EXPECT_EQ(refusal_of(R"({"host":"cattle-aaaa","id":"r\u00001"})"),
              "\"id\" must not contain a zero character");
}

TEST(request_line, a_long_name_is_shortened_in_its_refusal) {
    const std::string long_name(60'000, 'x');
    const std::string refused = refusal_of(R"({"host":")" + long_name + R"("})");
    EXPECT_LT(refused.size(), 200U);
    EXPECT_NE(refused.find("(60000 bytes)"), std::string::npos) << refused;
}

TEST(request_line, bytes_that_are_not_utf8_are_not_json) {
    EXPECT_EQ(refusal_of("{\"host\":\"cattle-\xff\"}"), "not JSON; expected {\"host\":\"NAME\"}");
}

TEST(foreign_text, what_is_harmless_is_shown_as_it_is) {
    EXPECT_EQ(readable("550e8400-e29b-41d4"), "550e8400-e29b-41d4");
    EXPECT_EQ(readable("trop de café"), "trop de café");
    EXPECT_EQ(readable(""), "");
}

TEST(foreign_text, what_could_forge_lines_or_move_a_cursor_is_escaped) {
    EXPECT_EQ(readable("a\nb"), R"("a\nb")");
    EXPECT_EQ(readable("\x1b[31m"), R"("\x1b[31m")");
    EXPECT_EQ(readable("\xc2\x9b"), R"("\x9b")") << "CSI as one character";
    EXPECT_EQ(readable("\u202e"), R"("\u202e")") << "what turns the direction of writing";
    EXPECT_EQ(readable("\xff"), R"("\xff")");
    EXPECT_EQ(readable(std::string(1, '\0')), R"("\x00")");
}

TEST(foreign_text, a_name_is_quoted_so_that_one_sees_where_it_ends) {
    EXPECT_EQ(in_quotes("a b "), R"("a b ")");
    EXPECT_EQ(in_quotes("\"; rm"), R"("\"; rm")");
    EXPECT_EQ(in_quotes(std::string(65, 'x')), '"' + std::string(64, 'x') + "\"... (65 bytes)");
}

}  // namespace
}  // namespace mandrill
