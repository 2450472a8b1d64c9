// SPDX-License-Identifier: Apache-2.0
#include "core/error.h"

#include "tests/support/catch.h"

namespace mikv::test {
namespace {

using namespace std::string_literals;

TEST_CASE("exit codes are the documented numbers") {
  CHECK(static_cast<int>(ExitCode::ok) == 0);
  CHECK(static_cast<int>(ExitCode::threshold) == 1);
  CHECK(static_cast<int>(ExitCode::usage) == 2);
  CHECK(static_cast<int>(ExitCode::input) == 3);
  CHECK(static_cast<int>(ExitCode::device) == 4);
  CHECK(static_cast<int>(ExitCode::internal) == 5);
}

TEST_CASE("each error has its exit code") {
  CHECK(UsageError("a", "b", "c").exit_code() == ExitCode::usage);
  CHECK(InputError("a", "b", "c", "d").exit_code() == ExitCode::input);
  CHECK(NumericalError("a", "b").exit_code() == ExitCode::input);
  CHECK(InternalError("a").exit_code() == ExitCode::internal);
}

TEST_CASE("the parts of a line come in order, each behind its own separator") {
  CHECK(UsageError("--plan", "is wrong", "do that").what() == "--plan: is wrong; do that"s);
  CHECK(InputError("x.safetensors", "layers.0.q", "is short", "write it again").what() ==
        "x.safetensors: layers.0.q: is short; write it again"s);
  CHECK(NumericalError("layer 1, head 2, token 3", "is not finite").what() ==
        "layer 1, head 2, token 3: is not finite"s);
  CHECK(InternalError("cannot be").what() == "internal error: cannot be"s);
}

TEST_CASE("a part left out leaves no separator behind") {
  CHECK(InputError("x", "", "is short", "write it again").what() == "x: is short; write it again"s);
  CHECK(InputError("", "field", "is short", "write it again").what() ==
        "field: is short; write it again"s);
  CHECK(InputError("x", "field", "is short", "").what() == "x: field: is short"s);
  CHECK(UsageError("", "is wrong", "do that").what() == "is wrong; do that"s);
  CHECK(UsageError("--plan", "is wrong", "").what() == "--plan: is wrong"s);
}

TEST_CASE("every C0 control character and DEL are escaped") {
  const std::string hex = "0123456789abcdef";
  for (unsigned code = 0; code < 128; ++code) {
    const auto character = static_cast<char>(code);
    INFO("code " << code);
    const std::string plain(1, character);
    const std::string escaped = "\\x"s + hex[code / 16] + hex[code % 16];
    CHECK(escape(plain) == (code < 32 || code == 127 ? escaped : plain));
  }
}

TEST_CASE("every C1 control character is escaped with both of its bytes") {
  const std::string hex = "0123456789abcdef";
  for (unsigned code = 0x80; code < 0xc0; ++code) {
    INFO("U+00" << std::hex << code);
    const std::string plain = {'\xc2', static_cast<char>(code)};
    const std::string escaped = "\\xc2\\x"s + hex[code / 16] + hex[code % 16];
    CHECK(escape(plain) == (code < 0xa0 ? escaped : plain));
  }
}

TEST_CASE("C1 is recognized in any neighbourhood") {
  CHECK(escape("a\xc2\x9b"
               "b") == "a\\xc2\\x9bb");
  CHECK(escape("\xc2\xc2\x9b") == "\xc2\\xc2\\x9b");
  CHECK(escape("\xc2\x9b\xc2\x80") == "\\xc2\\x9b\\xc2\\x80");
  CHECK(escape("\xc2\x9b\x9b") == "\\xc2\\x9b\x9b");
  CHECK(escape("\xc2\x85\n") == "\\xc2\\x85\\x0a");
  CHECK(escape("\xc2") == "\xc2");
  CHECK(escape("\xc2\n") == "\xc2\\x0a");
}

TEST_CASE("plain UTF-8 passes, also where its bytes look like C1") {
  for (const std::string text : {"", "layers.0.q", "größe", "übung €", "張量", "🙂", "а\u0300",
                                 "\xc3\x80\xc3\x9f", "back\\slash 'quoted' \"twice\""}) {
    CHECK(escape(text) == text);
  }
}

TEST_CASE("a hostile name prints on one line, in every kind of error") {
  const std::string name = "a\nb\r\x1b[31m\0c\x7f\xc2\x9b"s;
  const std::string safe = R"(a\x0ab\x0d\x1b[31m\x00c\x7f\xc2\x9b)";
  CHECK(UsageError(name, "p", "r").what() == safe + ": p; r");
  CHECK(UsageError("o", name, "r").what() == "o: " + safe + "; r");
  CHECK(UsageError("o", "p", name).what() == "o: p; " + safe);
  CHECK(InputError(name, "f", "p", "r").what() == safe + ": f: p; r");
  CHECK(InputError("x", name, "p", "r").what() == "x: " + safe + ": p; r");
  CHECK(NumericalError(name, "p").what() == safe + ": p");
  CHECK(InternalError(name).what() == "internal error: " + safe);
}

TEST_CASE("a usage error knows its option and the rest of its line") {
  const UsageError error("--seed", "is\nempty", "give a value");
  CHECK(error.option() == "--seed");
  CHECK(error.detail() == "is\\x0aempty; give a value");
  CHECK(error.what() == error.option() + ": " + error.detail());
}

TEST_CASE("an error is caught as any of its bases") {
  CHECK_THROWS_AS([] { throw UsageError("o", "p", "r"); }(), Error);
  CHECK_THROWS_AS([] { throw InputError("x", "f", "p", "r"); }(), std::runtime_error);
  CHECK_THROWS_AS([] { throw NumericalError("w", "p"); }(), Error);
  CHECK_THROWS_AS([] { throw InternalError("p"); }(), Error);
}

}  // namespace
}  // namespace mikv::test
