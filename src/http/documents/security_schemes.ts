// How requests say who sends them, in the words of OpenAPI.

export const SECURITY_SCHEMES = {
  bearer: {
    type: "http",
    scheme: "bearer",
    description: "A token that the operator has given you, or a JWT",
  },
  session: {
    type: "apiKey",
    in: "cookie",
    name: "qanat-session",
    description: "A session on the same machine over plain HTTP",
  },
  secureSession: {
    type: "apiKey",
    in: "cookie",
    name: "__Host-qanat-session",
    description:
      "A session over HTTPS; below a base path the cookie is called __Secure-qanat-session",
  },
};
