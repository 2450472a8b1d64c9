// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

namespace mikv::test {

/// The line of the InputError that action throws about a file. Fails the test if nothing or
/// anything else is thrown, or if the line is no single printable line that begins with the file.
[[nodiscard]] std::string input_refusal(const std::string& file_name,
                                        const std::function<void()>& action);

}  // namespace mikv::test
