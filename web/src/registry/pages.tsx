// The pages of the model registry: all models, one of them, and one of its versions.
import type { Route } from '../router';
import { AllGates } from './all-gates';
import { OutcomePage } from './lineage';
import { ModelList } from './list';
import { RegisteredModelPage } from './model';
import { VersionPage } from './version';

export default function RegistryPages({ route }: { route: Route }) {
  switch (route.page) {
    case 'registered':
      return <RegisteredModelPage key={route.name} name={route.name} tab={route.tab} />;
    case 'version':
      return (
        <VersionPage
          key={`${route.version} ${route.name}`}
          name={route.name}
          version={route.version}
          tab={route.tab}
          path={route.path}
        />
      );
    case 'gates':
      return <AllGates />;
    case 'lineage':
      return <OutcomePage />;
    default:
      return <ModelList />;
  }
}
