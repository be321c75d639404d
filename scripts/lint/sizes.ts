// A plugin of `deno lint`: a file of src/ has at most 300 lines and a function at most 60, so that each can be read at
// once. Pure tables say `deno-lint-ignore-file qanat/file-length` and why.
const FILE_LINES_MAX = 300;
const FUNCTION_LINES_MAX = 60;

type FunctionNode =
  | Deno.lint.FunctionDeclaration
  | Deno.lint.FunctionExpression
  | Deno.lint.ArrowFunctionExpression;

/** Lines that a range of the text covers. */
function linesOf(text: string): number {
  return text.split("\n").length;
}

function checkFunction(
  context: Deno.lint.RuleContext,
  node: FunctionNode,
): void {
  const lines = linesOf(context.sourceCode.getText(node));
  if (lines <= FUNCTION_LINES_MAX || !isSource(context.filename)) return;
  context.report({
    node,
    message:
      `The function has ${lines} lines; ${FUNCTION_LINES_MAX} are allowed`,
  });
}

function isSource(filename: string): boolean {
  return /[/\\]src[/\\]/.test(filename);
}

export default {
  name: "qanat",
  rules: {
    "file-length": {
      create(context) {
        return {
          Program(node) {
            const lines = linesOf(context.sourceCode.text.trimEnd());
            if (lines <= FILE_LINES_MAX || !isSource(context.filename)) return;
            context.report({
              node,
              message:
                `The file has ${lines} lines; ${FILE_LINES_MAX} are allowed`,
            });
          },
        };
      },
    },
    "function-length": {
      create(context) {
        const check = (node: FunctionNode) => checkFunction(context, node);
        return {
          FunctionDeclaration: check,
          FunctionExpression: check,
          ArrowFunctionExpression: check,
        };
      },
    },
  },
} satisfies Deno.lint.Plugin;
