// libonnx says everything by exceptions; none leaves this file.
#include <cstdio>
#include <exception>
#include <new>

#include <onnx/checker.h>
#include <onnx/defs/schema.h>
#include <onnx/onnx_pb.h>
#include <onnx/shape_inference/implementation.h>

extern "C" {
#include "checker/onnx_checker.h"
}

namespace
{

int say(char *message, size_t size, const char *text)
{
    snprintf(message, size, "%s", text);
    for (char *p = message; *p != '\0'; p++)
        if (*p == '\n' || *p == '\r' || *p == '\t')
            *p = ' ';
    return DMX_CHECKER_INVALID;
}

void check_everything(onnx::ModelProto &model, bool propagate)
{
    onnx::checker::check_model(model);
    onnx::ShapeInferenceOptions options;
    options.check_type = true;
    options.error_mode = 1; // strict: every error is thrown
    options.enable_data_propagation = propagate;
    onnx::shape_inference::InferShapes(
        model, onnx::OpSchemaRegistry::Instance(), options);
}

int check(const void *bytes, size_t n, int propagate, char *message,
          size_t size)
{
    try {
        onnx::ModelProto model;
        if (n > 0x7fffffff || !model.ParseFromArray(bytes, static_cast<int>(n)))
            return say(message, size, "not an ONNX model");
        check_everything(model, propagate != 0);
        return DMX_CHECKER_OK;
    } catch (const std::bad_alloc &) {
        return DMX_CHECKER_MEMORY;
    } catch (const std::exception &e) {
        return say(message, size, e.what());
    } catch (...) {
        return say(message, size, "the checker failed without a message");
    }
}

int newest_opset()
{
    const auto &map =
        onnx::OpSchemaRegistry::DomainToVersionRange::Instance().Map();
    const auto found = map.find(onnx::ONNX_DOMAIN);
    return found == map.end() ? 0 : found->second.second;
}

} // namespace

extern "C" __attribute__((visibility("default"))) const dmx_checker_interface *
dmx_onnx_checker(void)
{
    try {
        static const dmx_checker_interface interface = {
            DMX_CHECKER_INTERFACE, newest_opset(), onnx::IR_VERSION, check};
        return &interface;
    } catch (...) {
        return nullptr;
    }
}
