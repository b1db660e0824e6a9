// A provider with one template, `tiny`, and what else tests of sandboxes from templates share. Include it in programs
// whose main function asks for a range of ids first (ranges.hpp).
#pragma once

#include <string>

#include "ranges.hpp"
#include "tiny_root.hpp"

namespace room {

// One for the whole program: making it is the slow part.
inline const TemporaryDirectory& tiny_root() {
    static const TemporaryDirectory directory;
    static const bool made = [] {
        make_tiny_root(directory.path() / "tiny");
        return true;
    }();
    (void)made;
    return directory;
}

inline rooms::Settings with_tiny_root(rooms::Settings settings) {
    settings.templates = {{"tiny", (tiny_root().path() / "tiny").string()}};
    return settings;
}

struct TemplateProvider : Provider {
    TemplateProvider() : Provider(with_tiny_root) {}
    using Provider::Provider;
    std::string create_tiny() {
        rooms::CreateRequest request;
        request.template_name = "tiny";
        return create(request);
    }
};

}  // namespace room
