/* The part of ONNX Runtime's C interface used here, without its header: its
 * function table only ever grows at the end, so that each function keeps its
 * position. All positions below exist since interface version 13 (ONNX Runtime
 * 1.13). */
#ifndef DMX_RUNTIME_ORT_API_H
#define DMX_RUNTIME_ORT_API_H

#include "base/error.h"

#define ORT_API_VERSION 13u

/* Opaque types. Every function that returns ort_status returns NULL for
 * success; the caller releases a status. */
typedef struct ort_status ort_status;
typedef struct ort_env ort_env;
typedef struct ort_session ort_session;
typedef struct ort_session_options ort_session_options;
typedef struct ort_run_options ort_run_options;
typedef struct ort_value ort_value;
typedef struct ort_allocator ort_allocator;
typedef struct ort_memory_info ort_memory_info;
typedef struct ort_type_info ort_type_info;
typedef struct ort_tensor_info ort_tensor_info;
typedef struct ort_metadata ort_metadata;
typedef struct ort_cuda_options ort_cuda_options;

enum {
    ORT_LOG_ERROR = 3,
    ORT_LOG_FATAL = 4,
    ORT_SEQUENTIAL = 0,
    ORT_FLOAT32 = 1, /* element type */
    ORT_ALLOCATOR_DEVICE = 0,
    ORT_MEMORY_DEFAULT = 0,
};

/* X(position, result, name, parameters) */
#define ORT_FUNCTIONS(X)                                                       \
    X(2, const char *, GetErrorMessage, (const ort_status *))                  \
    X(3, ort_status *, CreateEnv, (int log_level, const char *id, ort_env **)) \
    X(6, ort_status *, DisableTelemetryEvents, (const ort_env *))              \
    X(8, ort_status *, CreateSessionFromArray,                                 \
      (const ort_env *, const void *, size_t, const ort_session_options *,     \
       ort_session **))                                                        \
    X(7, ort_status *, CreateSession,                                          \
      (const ort_env *, const char *path, const ort_session_options *,         \
       ort_session **))                                                        \
    X(9, ort_status *, Run,                                                    \
      (ort_session *, const ort_run_options *, const char *const *in_name,     \
       const ort_value *const *in, size_t n_in, const char *const *out_name,   \
       size_t n_out, ort_value **out))                                         \
    X(10, ort_status *, CreateSessionOptions, (ort_session_options **))        \
    X(13, ort_status *, SetSessionExecutionMode,                               \
      (ort_session_options *, int mode))                                       \
    X(16, ort_status *, EnableMemPattern, (ort_session_options *))             \
    X(17, ort_status *, DisableMemPattern, (ort_session_options *))            \
    X(22, ort_status *, SetSessionLogSeverityLevel,                            \
      (ort_session_options *, int level))                                      \
    X(23, ort_status *, SetSessionGraphOptimizationLevel,                      \
      (ort_session_options *, int level))                                      \
    X(24, ort_status *, SetIntraOpNumThreads, (ort_session_options *, int))    \
    X(25, ort_status *, SetInterOpNumThreads, (ort_session_options *, int))    \
    X(30, ort_status *, SessionGetInputCount, (const ort_session *, size_t *)) \
    X(31, ort_status *, SessionGetOutputCount,                                 \
      (const ort_session *, size_t *))                                         \
    X(33, ort_status *, SessionGetInputTypeInfo,                               \
      (const ort_session *, size_t, ort_type_info **))                         \
    X(34, ort_status *, SessionGetOutputTypeInfo,                              \
      (const ort_session *, size_t, ort_type_info **))                         \
    X(36, ort_status *, SessionGetInputName,                                   \
      (const ort_session *, size_t, ort_allocator *, char **))                 \
    X(37, ort_status *, SessionGetOutputName,                                  \
      (const ort_session *, size_t, ort_allocator *, char **))                 \
    X(39, ort_status *, CreateRunOptions, (ort_run_options **))                \
    X(46, ort_status *, RunOptionsSetTerminate, (ort_run_options *))           \
    X(49, ort_status *, CreateTensorWithDataAsOrtValue,                        \
      (const ort_memory_info *, void *data, size_t bytes, const int64_t *dim,  \
       size_t rank, int type, ort_value **))                                   \
    X(51, ort_status *, GetTensorMutableData, (ort_value *, void **))          \
    X(55, ort_status *, CastTypeInfoToTensorInfo,                              \
      (const ort_type_info *, const ort_tensor_info **))                       \
    X(60, ort_status *, GetTensorElementType,                                  \
      (const ort_tensor_info *, int *))                                        \
    X(61, ort_status *, GetDimensionsCount,                                    \
      (const ort_tensor_info *, size_t *))                                     \
    X(62, ort_status *, GetDimensions,                                         \
      (const ort_tensor_info *, int64_t *, size_t))                            \
    X(65, ort_status *, GetTensorTypeAndShape,                                 \
      (const ort_value *, ort_tensor_info **))                                 \
    X(69, ort_status *, CreateCpuMemoryInfo,                                   \
      (int allocator, int memory, ort_memory_info **))                         \
    X(76, ort_status *, AllocatorFree, (ort_allocator *, void *))              \
    X(78, ort_status *, GetAllocatorWithDefaultOptions, (ort_allocator **))    \
    X(92, void, ReleaseEnv, (ort_env *))                                       \
    X(93, void, ReleaseStatus, (ort_status *))                                 \
    X(94, void, ReleaseMemoryInfo, (ort_memory_info *))                        \
    X(95, void, ReleaseSession, (ort_session *))                               \
    X(96, void, ReleaseValue, (ort_value *))                                   \
    X(97, void, ReleaseRunOptions, (ort_run_options *))                        \
    X(98, void, ReleaseTypeInfo, (ort_type_info *))                            \
    X(99, void, ReleaseTensorTypeAndShapeInfo, (ort_tensor_info *))            \
    X(100, void, ReleaseSessionOptions, (ort_session_options *))               \
    X(111, ort_status *, SessionGetModelMetadata,                              \
      (const ort_session *, ort_metadata **))                                  \
    X(116, ort_status *, ModelMetadataLookupCustomMetadataMap,                 \
      (const ort_metadata *, ort_allocator *, const char *key, char **))       \
    X(118, void, ReleaseModelMetadata, (ort_metadata *))                       \
    X(124, ort_status *, AddFreeDimensionOverrideByName,                       \
      (ort_session_options *, const char *name, int64_t value))                \
    X(125, ort_status *, GetAvailableProviders, (char ***, int *))             \
    X(126, ort_status *, ReleaseAvailableProviders, (char **, int))            \
    X(130, ort_status *, AddSessionConfigEntry,                                \
      (ort_session_options *, const char *key, const char *value))             \
    X(204, ort_status *, SessionOptionsAppendExecutionProvider_CUDA_V2,        \
      (ort_session_options *, const ort_cuda_options *))                       \
    X(205, ort_status *, CreateCUDAProviderOptions, (ort_cuda_options **))     \
    X(206, ort_status *, UpdateCUDAProviderOptions,                            \
      (ort_cuda_options *, const char *const *key, const char *const *value,   \
       size_t))                                                                \
    X(208, void, ReleaseCUDAProviderOptions, (ort_cuda_options *))             \
    X(216, ort_status *, SessionOptionsAppendExecutionProvider,                \
      (ort_session_options *, const char *name, const char *const *key,        \
       const char *const *value, size_t))

typedef struct ort_api {
#define ORT_FIELD(position, result, name, parameters) result(*name) parameters;
    ORT_FUNCTIONS(ORT_FIELD)
#undef ORT_FIELD
} ort_api;

/* A loaded library. */
struct dmx_runtime {
    void *handle; /* of dlopen */
    char *path;
    char version[32];
    ort_api api;
    ort_env *env;
    ort_allocator *allocator; /* owned by the library, not released */
    ort_memory_info *cpu;
};

/* DMX_OK for NULL; otherwise DMX_ERROR_RUNTIME with "what: " and the runtime's
 * own message on one line. Releases the status. */
dmx_status dmx_ort_check(const struct dmx_runtime *runtime, ort_status *status,
                         const char *what, dmx_error *err);

#endif
