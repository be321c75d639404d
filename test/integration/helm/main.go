// Helm's lint and template, by its module: the command has all of Kubernetes' clients in it and takes three times as long
// to build. Usage: chart lint|template CHART VALUES.json NAMESPACE. It prints what `helm template` would, and exits with 1
// for what Helm refuses.
package main

import (
	"fmt"
	"os"
	"sort"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
)

const release = "qanat"

// The oldest Kubernetes that the chart allows.
const kubernetes = "1.30.0"

func main() {
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		fmt.Println(chartutil.DefaultCapabilities.HelmVersion.Version)
		return
	}
	if len(os.Args) != 5 {
		fail(fmt.Errorf("usage: chart lint|template CHART VALUES.json NAMESPACE"))
	}
	command, path, namespace := os.Args[1], os.Args[2], os.Args[4]
	values, err := chartutil.ReadValuesFile(os.Args[3])
	fail(err)
	version, err := chartutil.ParseKubeVersion(kubernetes)
	fail(err)
	if command == "lint" {
		checked := lint.AllWithKubeVersion(path, values, namespace, version)
		for _, message := range checked.Messages {
			fmt.Fprintln(os.Stderr, message)
		}
		// As `helm lint --strict`.
		if checked.HighestSeverity >= support.WarningSev {
			os.Exit(1)
		}
		return
	}
	fail(render(path, values, namespace, version))
}

func render(path string, values chartutil.Values, namespace string, version *chartutil.KubeVersion) error {
	chart, err := loader.Load(path)
	if err != nil {
		return err
	}
	if !chartutil.IsCompatibleRange(chart.Metadata.KubeVersion, version.String()) {
		return fmt.Errorf("the chart does not allow Kubernetes %s", version)
	}
	capabilities := chartutil.DefaultCapabilities.Copy()
	capabilities.KubeVersion = *version
	options := chartutil.ReleaseOptions{Name: release, Namespace: namespace, IsInstall: true, Revision: 1}
	all, err := chartutil.ToRenderValues(chart, values, options, capabilities)
	if err != nil {
		return err
	}
	files, err := engine.Render(chart, all)
	if err != nil {
		return err
	}
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if strings.HasSuffix(name, ".yaml") {
			fmt.Printf("---\n%s\n", files[name])
		}
	}
	return nil
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
