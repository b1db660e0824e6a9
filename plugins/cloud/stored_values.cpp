#include "stored_values.hpp"

#include "text.hpp"

namespace berth_cloud {

namespace {

std::string from_base64(const std::string& text) {
    std::string bytes;
    Base64Decoder decoder;
    if (!decoder.take(text, bytes)) throw berth::Error(berth::Code::internal, "the stored state is damaged");
    return bytes;
}

}  // namespace

Json to_json(const berth::Variables& variables) {
    Json list = Json::array();
    for (const berth::Variable& item : variables) {
        Json entry{{"name", base64(item.name)}, {"value", base64(item.value)}};
        if (item.secret) entry["secret"] = true;
        list.push_back(std::move(entry));
    }
    return list;
}

berth::Variables variables_in(const Json& object, const char* name) {
    berth::Variables variables;
    if (const Json* list = member(object, name); list != nullptr && list->is_array())
        for (const Json& entry : *list)
            variables.set(from_base64(text_in(entry, "name").value_or("")),
                          from_base64(text_in(entry, "value").value_or("")), flag_in(entry, "secret"));
    return variables;
}

std::optional<std::string> bytes_in(const Json& object, const char* name) {
    const auto text = text_in(object, name);
    return text ? std::optional(from_base64(*text)) : std::nullopt;
}

}  // namespace berth_cloud
