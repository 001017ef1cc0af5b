// exception_group: several exceptions in one.
#include "tasks/exception_group.hpp"

#include <exception>
#include <gtest/gtest.h>
#include <stdexcept>
#include <string>

namespace {

using mayhem::exception_group;

template <typename Exception, typename... Args>
std::exception_ptr made(Args&&... args) {
    return std::make_exception_ptr(Exception(std::forward<Args>(args)...));
}

TEST(exception_group, lists_what_is_in_it) {
    const exception_group group("work failed", {made<std::runtime_error>("disk full"),
                                                made<std::logic_error>("bad index")});
    EXPECT_STREQ(group.what(), "work failed (2 sub-exceptions): disk full; bad index");
    EXPECT_EQ(group.exceptions().size(), 2U);
}

TEST(exception_group, flattens_groups_in_groups) {
    const exception_group inner("inner", {made<std::runtime_error>("a"), made<int>(1)});
    const exception_group outer("outer",
                                {made<std::logic_error>("b"), std::make_exception_ptr(inner)});
    EXPECT_EQ(outer.exceptions().size(), 2U);
    EXPECT_EQ(outer.flatten().size(), 3U);
}

TEST(exception_group, counts_by_type_through_groups) {
    const exception_group inner("inner", {made<std::runtime_error>("a"), made<int>(1)});
    const exception_group outer("outer",
                                {made<std::logic_error>("b"), std::make_exception_ptr(inner)});
    EXPECT_EQ(outer.count<std::exception>(), 2U);
    EXPECT_EQ(outer.count<std::logic_error>(), 1U);
    EXPECT_EQ(outer.count<std::bad_alloc>(), 0U);
}

TEST(exception_group, is_caught_as_a_std_exception) {
    try {
        throw exception_group("work failed", {made<std::runtime_error>("disk full")});
    } catch (const std::exception& error) {
        EXPECT_EQ(std::string(error.what()), "work failed (1 sub-exception): disk full");
    }
}

}  // namespace
